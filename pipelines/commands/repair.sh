#!/bin/sh
# moo repair: rebuilds damaged files of a store.
# shellcheck disable=SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo repair'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

read_pipe repair "$@"
find_archive "$url"
learn_seal_key
repair ${present_archive:+"--archive=$present_archive"} ${learned_key:+"--seal-key=$learned_key"} -- "$url"
