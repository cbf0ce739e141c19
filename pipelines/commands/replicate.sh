#!/bin/sh
# moo replicate: copies a store.
# shellcheck disable=SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo replicate'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/copying.sh
. "$here/shared/copying.sh"

read_pipe replicate "$@"
two_stores
know receipts "$target"
fetch --all --known "$known" -- "$url" | upload -- "$target" | commit
