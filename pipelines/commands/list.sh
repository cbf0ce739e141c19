#!/bin/sh
# moo list: lists the files of a backup.
# shellcheck disable=SC2119,SC2154 # read_listing sets the variables and defines the stages
set -eu
self='moo list'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/listing.sh
. "$here/shared/listing.sh"

read_listing list "$@"
show
