#!/bin/sh
# moo replicate: copies a store.
set -eu
self='moo replicate'

usage() {
    cat <<'TEXT'
usage: moo replicate [options] URL1 URL2

Copy the sets of the store at URL1, unchanged, to the store at URL2. This needs no key. Sets that
URL2 already has are neither read nor sent, so each run copies only new sets. A set appears when all
of it has arrived; an interruption costs one set.

  --identity ID             copy only sets with the identity ID
TEXT
    shared_help
    cat <<'TEXT'

The settings of SSH hold for both stores. A set of URL1 that is damaged, by its seal, is not copied;
the exit status is then 5.

Examples:
  moo replicate file:///srv/backup sftp://user@host/second
  moo replicate file:///srv/backup rclone:cloud:bucket/etc
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/copying.sh
. "$here/shared/copying.sh"

own_option() {
    case $2 in
        --identity) needs_value "$@" && fetch=" --identity $(quoted "$3")" ;;
        *) shared_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
two_stores "$@"
check_common
eval "know $all $reach -- \"\$2\""
eval "moo-fetch $all $reach --all$fetch --known \"\$known\" -- \"\$1\" |
    moo-upload $all $reach -- \"\$2\" |
    moo-commit $all"
