#!/bin/sh
# moo cleanup: removes from a store and its archive what is of no use to anybody.
set -eu
self='moo cleanup'

usage() {
    cat <<'TEXT'
usage: moo cleanup [options] URL

Lists what is of no use in the store at URL and in its archive: temporary files, sets that are not
complete or belong to no chain, seals without a set, and what interrupted runs have left. With
--force it goes. What is damaged rather than left, and what is not ours, is named and stays.

  --force                   remove what goes, and print nothing
TEXT
    shared_help
    cat <<'TEXT'

The exit status is 7 where the store lets nothing be removed, and 9 while a run holds the archive.
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
