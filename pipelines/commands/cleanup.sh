#!/bin/sh
# moo cleanup: deletes leftovers of interrupted runs from a store and its archive directory.
set -eu
self='moo cleanup'

usage() {
    cat <<'TEXT'
usage: moo cleanup [options] URL

List leftovers in the store at URL and in its archive directory: temporary files, sets that are
incomplete or belong to no chain, seals without a set, and unfinished files of interrupted runs.
With --force, delete them. Damaged files and foreign files are named and kept.

  --force                   delete the leftovers, and print nothing
TEXT
    shared_help
    cat <<'TEXT'

The exit status is 7 if the store does not allow deletion, and 9 if a run has locked the archive
directory.

Examples:
  moo cleanup file:///srv/backup
  moo cleanup --force file:///srv/backup
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

prune=''
own_option() {
    case $2 in
        --force) prune="$prune $2" ;;
        *) shared_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
prune="$prune$(archive_option "$1")"
eval "exec moo-prune $all $reach --leftovers $prune -- \"\$1\""
