#!/bin/sh
# moo prune: removes old sets from a store and its archive.
set -eu
self='moo prune'

usage() {
    cat <<'TEXT'
usage: moo prune [options] URL

Lists which sets of the store at URL would go by the rules, and why the others stay. With --force
they go. A set that another one builds on stays with it, and so does the newest whole chain.

  --older-than TIME         chains whose sets are all older go: an age such as 6M, or a time
  --keep-full N             keep the chains of the newest N full sets, and all that is newer
  --keep-inc-of-full N      of chains that stay, keep increments only for the newest N full sets
  --keep-daily N            keep the chain of the newest state of each of the last N days
  --keep-weekly N           the same for weeks
  --keep-monthly N          the same for months
  --force                   remove what goes, and print nothing
  --user NAME               for root: run all as this user
TEXT
    shared_help
    cat <<'TEXT'

Several rules keep together what any of them keeps. The exit status is 7 where the store lets
nothing be removed, and 9 while another run holds the archive.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

prune='' rules='' as=''
own_option() {
    case $2 in
        --older-than | --keep-full | --keep-inc-of-full | --keep-daily | --keep-weekly | \
            --keep-monthly)
            needs_value "$@" && rules="$rules $2 $(quoted "$3")"
            ;;
        --force) prune="$prune $2" ;;
        --user) needs_value "$@" && as=$3 ;;
        *) shared_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
[ -n "$rules" ] || fail 2 'a rule is needed, such as --older-than 6M (see --help)'
[ -z "$as" ] || become "$as"
prune="$prune$(archive_option "$1")"
eval "as_user moo-prune $all $reach $rules $prune -- \"\$1\""
