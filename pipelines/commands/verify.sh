#!/bin/sh
# moo verify: checks a backup; compares it with the source.
set -eu
self='moo verify'

usage() {
    cat <<'TEXT'
usage: moo verify [options] URL SOURCE   compare a state with SOURCE
       moo verify [options] URL          read and verify the whole store
       moo verify --quick [options] URL  check names, seals and a share of the hashes

With SOURCE, read the backup as a restore does, and compare it with the directory or file SOURCE,
content and metadata. Print a line for each difference. Without SOURCE, read, decrypt and rebuild
every chain, and compare each file with its hash. Nothing is kept.

  -t, --time TIME           verify only the state at TIME: now, 3D, 2026-11-22, ...
  -r, --path PATH           verify only PATH, relative to the source; SOURCE is its present state
TEXT
    selection_help
    cat <<'TEXT'
  --quick                   check names, seals and a share of the files, without a secret key
  --sample PERCENT          read PERCENT of the files with --quick; each run reads different ones
                            (5%)
  --user NAME               run all stages as the user NAME (root only); only the stage that reads
                            SOURCE can read every file
TEXT
    decrypting_help
    cat <<'TEXT'

If all is well, nothing is printed. The exit status is 3 if SOURCE differs, and 5 if a file of the
store is damaged, missing or foreign.

Examples:
  moo verify --quick file:///srv/backup
  moo verify --secret-key ~/backup.secret.pgp file:///srv/backup
  moo verify --secret-key ~/backup.secret.pgp file:///srv/backup /etc
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

# prove: prints the messages of the pipe.
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
[ -z "$sample" ] || [ -n "$quick" ] || fail 2 '--sample: needs --quick'
[ -z "$quick" ] || [ "$#$state_only" = 1 ] || fail 2 '--quick: takes no source, time or path'
[ $# = 2 ] || [ -z "$scan" ] || fail 2 '--include and --exclude need a SOURCE'
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
