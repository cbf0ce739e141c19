#!/bin/sh
# moo prune: deletes old sets from a store and its archive directory.
set -eu
self='moo prune'

usage() {
    cat <<'TEXT'
usage: moo prune [options] URL

List which sets of the store at URL the rules would delete, and why the others stay. With --force,
delete them. A set that a kept set builds on is kept, and so is the newest complete chain.

  --older-than TIME         delete chains whose sets are all older than TIME, an age such as 6M or
                            a time
  --keep-full N             keep the chains of the newest N full sets, and all newer sets
  --keep-inc-of-full N      keep increments only for the newest N full sets
  --keep-daily N            keep the chain of the newest state of each of the last N days
  --keep-weekly N           keep the chain of the newest state of each of the last N weeks
  --keep-monthly N          keep the chain of the newest state of each of the last N months
  --force                   delete the sets, and print nothing
  --user NAME               run as the user NAME (root only)
TEXT
    shared_help
    cat <<'TEXT'

With several rules, a set stays if one of them keeps it. The exit status is 7 if the store does not
allow deletion, and 9 if another run has locked the archive directory.

Examples:
  moo prune --older-than 6M --keep-full 2 file:///srv/backup
  moo prune --older-than 6M --keep-full 2 --force file:///srv/backup
  moo prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12 file:///srv/backup
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
