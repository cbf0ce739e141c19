#!/bin/sh
# moo status: lists the sets of a store and their problems.
set -eu
self='moo status'

usage() {
    cat <<'TEXT'
usage: moo status [options] URL

List the sets in the store at URL, their problems, and the age of the newest good one. This needs no
key. With the archive directory of the store, it knows which files the store should have.

  --max-age AGE             exit with 3 if the newest good set is older than AGE, such as 26h or
                            2D; print nothing if all is well
  --seal-key KEY            accept a set as good only if KEY has signed its seal
  --identity ID             accept a set as good only if it has the identity ID
  --json                    print one JSON object
TEXT
    shared_help
    cat <<'TEXT'

The exit status is 0 if all is well, 3 if the newest good set is older than --max-age, 5 if
something is missing, and 10 if there is no backup. One line on standard error says what is wrong.

Examples:
  moo status file:///srv/backup
  moo status --max-age 26h file:///srv/backup
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
