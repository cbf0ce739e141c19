#!/bin/sh
# moo verify: checks a backup; compares it with the source.
# shellcheck disable=SC2030,SC2031,SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo verify'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# compare_with SOURCE: the wanted state beside what moo-scan reads of SOURCE. moo-fetch alone reports
# progress.
compare_with() {
    { unset MOO_PROGRESS && scan -- "$1"; } | { { state; } </dev/null 9<&- | compare /dev/fd/9; } 9<&0
}

# check_state [OPTION...]: the wanted state alone. Where something is damaged, another run goes on past
# it and names all that is.
check_state() {
    said=$(rebuild "$@") && status=0 || status=$?
    if [ "$status" = 5 ]; then
        again=$(keep_going=yes && rebuild "$@") || [ $? -ne 5 ] || said=$again
    fi
    [ -z "$said" ] || warn "$said"
    return "$status"
}

# rebuild [OPTION...]: prints the messages of the pipe.
rebuild() {
    { { state "$@"; } </dev/null | patch ${keep_going:+--keep-going} --check; } 2>&1
}

# look [OPTION...]: moo-check with what is known of the store.
look() {
    check ${present_archive:+"--archive=$present_archive"} ${learned_key:+"--seal-key=$learned_key"} \
        "$@" -- "$url"
}

# check_all: every chain, by its newest state, and whether there are other sets than there should be.
check_all() {
    worst=0
    chains=$(look --chains) || worst=$?
    case $worst in 0 | 5) ;; *) return "$worst" ;; esac
    for newest in $chains; do
        status=0
        check_state --time "$newest" || status=$?
        case $status in
            0) ;;
            3) [ "$worst" != 0 ] || worst=3 ;;
            5) worst=5 ;;
            *) return "$status" ;;
        esac
    done
    return "$worst"
}

read_pipe verify "$@"
read_passphrase
read_from "$url"
if [ -n "$source" ]; then
    compare_with "$source"
elif [ -n "$quick" ]; then
    look
elif [ -n "$time$path" ]; then
    check_state
else
    check_all
fi
