#!/bin/sh
# moo find: finds paths in all sets of a backup.
# shellcheck disable=SC2154 # read_listing sets the variables and defines the stages
set -eu
self='moo find'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/listing.sh
. "$here/shared/listing.sh"

read_listing find "$@"
show --find
