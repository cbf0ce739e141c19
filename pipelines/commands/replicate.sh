#!/bin/sh
# moo replicate: a copy of a store.
set -eu
self='moo replicate'

usage() {
    cat <<'TEXT'
usage: moo replicate [options] URL1 URL2

Copies the sets of the store at URL1 to the store at URL2, as they are. It needs no key. Sets that
URL2 has already are neither read nor sent: run again, it brings what is new. A set is there when
all of it has arrived, and an interruption costs one.

  --identity ID             copy no sets of another backup than that of this identity
TEXT
    shared_help
    cat <<'TEXT'

The settings of SSH are for both stores. Where a set at URL1 is damaged, which its seal tells, the
exit status is 5, and the set is not copied.
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
