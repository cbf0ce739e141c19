#!/bin/sh
# moo consolidate: makes a new full set from the newest chain, without the source.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo consolidate'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/writing.sh
. "$here/shared/writing.sh"

read_pipe consolidate "$@"
read_passphrase
archive=$(archive_of "$url")
! user_test -d "$archive" || reconcile >/dev/null
read_from "$url"
state |
    replay --archive "$archive" |
    sign |
    delta --archive "$archive" |
    pack --archive "$archive" |
    encrypt ${learned_key:+"--seal-key=$learned_key"} |
    deliver |
    commit --archive "$archive" ${stats:+--stats}
