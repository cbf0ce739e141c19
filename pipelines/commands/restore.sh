#!/bin/sh
# moo restore: one state of one backup, through the pipe.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo restore'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

read_pipe restore "$@"
read_passphrase
read_from "$url"
state | patch ${keep_going:+--keep-going} --store "$url" -- "$destination"
