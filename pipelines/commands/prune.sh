#!/bin/sh
# moo prune: deletes old sets from a store and its archive directory.
# shellcheck disable=SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo prune'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

read_pipe prune "$@"
[ -n "$rule" ] || fail 2 'a rule is needed, such as --older-than 6M (see --help)'
find_archive "$url"
prune ${present_archive:+"--archive=$present_archive"} -- "$url"
