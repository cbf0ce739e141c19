#!/bin/sh
# moo cleanup: deletes leftovers of interrupted runs from a store and its archive directory.
# shellcheck disable=SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo cleanup'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

read_pipe cleanup "$@"
find_archive "$url"
prune --leftovers ${present_archive:+"--archive=$present_archive"} -- "$url"
