#!/bin/sh
# moo status: lists the sets of a store and their problems.
# shellcheck disable=SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo status'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

read_pipe status "$@"
find_archive "$url"
status ${present_archive:+"--archive=$present_archive"} -- "$url"
