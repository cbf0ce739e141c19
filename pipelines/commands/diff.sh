#!/bin/sh
# moo diff: lists the differences of two states of a backup.
# shellcheck disable=SC2154 # read_listing sets the variables and defines the stages
set -eu
self='moo diff'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/listing.sh
. "$here/shared/listing.sh"

read_listing diff "$@"
show --changes "$old_time" "$new_time"
