#!/bin/sh
# moo restore: one state of one backup, through the pipe.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo restore'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# find_plan: finds what is there already, at the destination or left by an interrupted restore, and sets $plan
# to the folder that tells what of it is kept, and which volumes are needed; to nothing where all are.
find_plan() {
    plan=''
    [ "$destination" != - ] && [ -z "$keep_going$filtered$rearranged" ] || return 0
    [ -n "$( (match --probe -- "$destination") 2>/dev/null)" ] || return 0
    # shellcheck disable=SC2016 # the caller's TMPDIR
    plan_folder=$(as_caller sh -c 'mktemp -d "${TMPDIR:-/tmp}/moo-match.XXXXXX"')
    clean_up
    status=0
    said=$({ state --signatures | match --plan "$plan_folder" -- "$destination"; } 2>&1) || status=$?
    case $status in
        0 | 3) [ ! -e "$plan_folder/needed.json" ] || plan=$plan_folder ;;
        # The restore finds out whether it needs what is damaged.
        5) ;;
        *) warn "$said" && exit "$status" ;;
    esac
}

read_pipe restore "$@"
read_passphrase
read_from "$url"
find_plan
if [ -n "$plan" ]; then
    state --needed <"$plan/needed.json" | patch --matched "$plan" --store "$url" -- "$destination"
else
    state | patch ${keep_going:+--keep-going} --store "$url" -- "$destination"
fi
