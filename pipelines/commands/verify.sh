#!/bin/sh
# moo verify: whether a backup is what it was, and what the source is.
set -eu
self='moo verify'

usage() {
    cat <<'TEXT'
usage: moo verify [options] URL SOURCE   compare a state with SOURCE
       moo verify [options] URL          read and check all that the store has
       moo verify --quick [options] URL  check names, seals and a share of the hashes

With SOURCE, what the store holds is read as for a restore, and compared with the directory or file
SOURCE, content and metadata. Each difference is a line. Without it, every chain is read, decrypted
and put together, and each file compared with the hash that it had. Nothing is kept.

  -t, --time TIME           the state at this time, and no other: now, 3D, 2026-11-22, ...
  -r, --path PATH           only this file or directory, relative to the source; SOURCE is what it
                            is now
TEXT
    selection_help
    cat <<'TEXT'
  --quick                   without a secret key: names and seals, and a share of the files
  --sample PERCENT          the share of the files to read then; each run reads the next one (5%)
  --user NAME               for root: run all as this user; only the part that reads SOURCE gets
                            the right to read every file
TEXT
    decrypting_help
    cat <<'TEXT'

Nothing is printed when all is well. The exit status is 3 where SOURCE differs, 5 where something at
the store is damaged, missing or foreign.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# compare SOURCE: the wanted state beside what moo-scan reads of SOURCE.
compare() {
    # shellcheck disable=SC2034 # in the text that is evaluated
    source=$1
    eval "as_reader moo-scan $all $scan -- \"\$source\" |
        { give 9 && { $state; } </dev/null 9<&- | as_user moo-compare $all /dev/fd/9; } 9<&0"
}

# check_state: the wanted state alone. Where something is damaged, another run goes on past it and
# names all that is.
check_state() {
    keep='' said=$(prove) && status=0 || status=$?
    if [ "$status" = 5 ]; then
        # shellcheck disable=SC2034 # in the text that is evaluated
        keep=--keep-going
        again=$(prove) || [ $? -ne 5 ] || said=$again
    fi
    [ -z "$said" ] || printf '%s\n' "$said" >&2
    return "$status"
}

# prove: what the pipe has to say.
prove() {
    eval "{ { $state; } </dev/null | as_user moo-patch $all \$keep --check; } 2>&1"
}

# check_all: every chain, by its newest state, and whether there are other sets than there should be.
check_all() {
    worst=0
    chains=$(eval "as_user moo-check $all $reach $check --chains -- \"\$url\"") || worst=$?
    case $worst in 0 | 5) ;; *) return "$worst" ;; esac
    # shellcheck disable=SC2034 # in the text that is evaluated
    for time in $chains; do
        status=0
        check_state || status=$?
        case $status in
            0) ;;
            3) [ "$worst" != 0 ] || worst=3 ;;
            5) worst=5 ;;
            *) return "$status" ;;
        esac
    done
    return "$worst"
}

check='' sample='' keys='' quick='' state_only='' as=''
own_option() {
    case $2 in
        --quick) quick=quick ;;
        --user) needs_value "$@" && as=$3 ;;
        --sample) needs_value "$@" && sample="$2 $(quoted "$3")" ;;
        --seal-key)
            needs_value "$@" && check="$check $2 $(quoted "$3")" keys=yes
            decrypting_option "$@"
            ;;
        --identity)
            needs_value "$@" && check="$check $2 $(quoted "$3")"
            decrypting_option "$@"
            ;;
        *)
            if time_option "$@" || path_option "$@"; then
                state_only=yes
            else
                selection_option "$@" || decrypting_option "$@"
            fi
            ;;
    esac
}

read_options "$@"
eval "set -- $words"
case $# in 1 | 2) ;; *) fail 2 'a url is needed, and perhaps a source (see --help)' ;; esac
[ -z "$sample" ] || [ -n "$quick" ] || fail 2 '--sample: goes with --quick'
[ -z "$quick" ] || [ "$#$state_only" = 1 ] || fail 2 '--quick: has no source, time or path'
[ $# = 2 ] || [ -z "$scan" ] || fail 2 'to include or to exclude takes a source'
check_common
[ -z "$as" ] || become "$as"
if [ "$#$state_only" = 1 ]; then
    # Each chain has its turn.
    # shellcheck disable=SC2016 # to be evaluated later
    fetch="$fetch --time \"\$time\""
fi
# shellcheck disable=SC2016 # to be evaluated later
[ $# = 2 ] || keep_going='$keep'
read_from "$1"
check="$check$(archive_option "$1")"
[ -n "$keys" ] || [ -z "$seal_key" ] || check="$check --seal-key $(quoted "$seal_key")"
case $#$quick$state_only in
    1quick) eval "as_user moo-check $all $reach $check $sample -- \"\$url\"" ;;
    1) check_all ;;
    *) if [ $# = 2 ]; then compare "$2"; else check_state; fi ;;
esac
