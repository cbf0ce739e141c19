#!/bin/sh
# moo status: what a store holds, and whether it is what it should be.
set -eu
self='moo status'

usage() {
    cat <<'TEXT'
usage: moo status [options] URL

Lists the sets in the store at URL, what is wrong with them, and how old the last good one is. It
needs no key. Where the archive of the store is at hand, it knows which files there should be.

  --max-age AGE             fail if the last good set is older than AGE, such as 26h or 2D; print
                            nothing when all is well
  --seal-key KEY            take no set for good whose seal is not signed by KEY
  --identity ID             take no set of another backup for good than of that of this identity
  --json                    one JSON object
TEXT
    shared_help
    cat <<'TEXT'

The exit status is 0 when all is well, 3 when the last good set is older than --max-age, 5 when
something is missing, 10 when there is no backup; then one line on standard error says what it is.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

list=''
own_option() {
    case $2 in
        --seal-key | --identity) needs_value "$@" && list="$list $2 $(quoted "$3")" ;;
        --max-age) needs_value "$@" && list="$list --max-age $(quoted "$3")" ;;
        --json) list="$list $2" ;;
        *) shared_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
case $1 in
    *://* | rclone:*) ;;
    *) fail 2 "$1: not a url (such as file:///srv/backup or sftp://user@host/backup)" ;;
esac
list="$list$(archive_option "$1")"
eval "exec moo-list $all $reach $list -- \"\$1\""
