#!/bin/sh
# backup.sh: backs up every source that the configuration names, one after another. Run by root
# through sudo, it leaves the work to an ordinary user.
set -eu
self=backup.sh

# limit LETTER VALUE: sudo hands down the limits of the caller, who may not cut hooks and dumps short. This
# comes first: with few descriptors the shell could not even read the other files.
# Root sets VALUE; others raise their soft limit as far as they may.
# shellcheck disable=SC3045 # dash has these
limit() {
    [ "$(id -u)" != 0 ] || ! ulimit "-$1" "$2" 2>/dev/null || return 0
    ulimit -S "-$1" "$(ulimit -H "-$1")" 2>/dev/null || :
}
for resource in f t d v; do limit "$resource" unlimited; done
limit n 65536
limit s 8192

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=shared/call.sh
. "$here/shared/call.sh"
# shellcheck source-path=SCRIPTDIR source=shared/conf.sh
. "$here/shared/conf.sh"
# shellcheck source-path=SCRIPTDIR source=shared/steps.sh
. "$here/shared/steps.sh"

# moo-run is the process that the caller knows: if it is killed, all that runs here is.
if [ -z "${MOO_LIFELINE-}" ]; then
    run=$(program moo-run) || exit
    exec "$run" --forward backup.sh "$here/backup.sh" "$@"
fi
unset MOO_LIFELINE

read_call backup.sh "$@"
config=${config:-/etc/moobacker/backup.conf}
conf_read "$config"
if [ "$(id -u)" = 0 ]; then
    [ -n "$user" ] || user=$(conf_get user)
    [ -n "$user" ] || user=${SUDO_USER-}
    case $user in '' | root) fail 2 'run as root: set "user" in the configuration, or pass --user' ;; esac
fi
sources=$(conf_sources)
cd /

# Lines are words from here on, and nothing in them is a pattern.
IFS='
'
set -f
# shellcheck disable=SC2154 # read_call sets it
for name in $chosen; do
    printf '%s\n' "$sources" | grep -Fqx -e "$name" || fail 2 "$name: no such source in $config"
done
sources=${chosen:-$sources}

# What runs, and the status that a signal has asked to end with.
job='' stopped=''
# shellcheck disable=SC2317,SC2329 # the traps call it
stop() {
    stopped=$1
    [ -z "$job" ] || kill -s TERM -- "-$job" 2>/dev/null || :
}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 131' QUIT
trap 'stop 143' TERM

# run COMMAND [ARGUMENT…]: to its end, in a session of its own: it can be ended as a whole, and no
# program in it gets at the terminal that root may sit at.
run() {
    [ -z "$dry_run" ] || { shown "$@" && return; }
    setsid "$@" </dev/null &
    job=$! status=0
    # What was killed is named by who has started it, and not by this shell.
    wait "$job" 2>/dev/null || status=$?
    # A signal ends the waiting, and not yet what was waited for.
    while kill -0 "$job" 2>/dev/null; do status=0 && wait "$job" 2>/dev/null || status=$?; done
    job=''
    return "$status"
}

# The status of all: the first that is not 0, where 3 gives way to what is worse.
worst=0
note() {
    case $worst in 0) worst=$1 ;; 3) [ "$1" = 0 ] || worst=$1 ;; esac
}

# hooks KEYWORD [SOURCE]: runs the commands in order, up to the first that fails.
hooks() {
    for hook in $(conf_list "$@"); do
        status=0
        run sh -c "$hook" || status=$?
        [ "$status" = 0 ] && continue
        printf '%s\n' "$(legible "$self: ${2:+$2: }$1: $hook: exit status $status")" >&2
        return 1
    done
}

# backup SOURCE: one run of moo backup.
backup() {
    name=$1 selection=$(conf_selection "$1")
    set -- "$here/moo" backup --name "$name"
    [ -z "$user" ] || set -- "$@" --user "$user"
    for value in $(conf_list encrypt-key); do set -- "$@" --encrypt-key "$value"; done
    for value in $(conf_get seal-key); do set -- "$@" --seal-key "$value"; done
    for value in $(conf_list identity "$name"); do set -- "$@" --identity "$value"; done
    for value in $(conf_get full-if-older-than "$name"); do set -- "$@" --full-if-older-than "$value"; done
    for value in $(conf_options "$name"); do set -- "$@" "$value"; done
    for value in $selection; do set -- "$@" "--${value%% *}" "${value#* }"; done
    status=0
    run "$@" "$(conf_get source "$name")" "$(conf_url "$name")" || status=$?
    # What a signal has killed could not say so itself.
    [ "$status" -lt 128 ] || echo "$self: $name: ended by signal $((status - 128))" >&2
    return "$status"
}

# prune SOURCE: after a good backup, what its rules do not keep goes. An account that can only add
# files is no failure of the backup: moo prune says so.
prune() {
    rules=$(conf_rules "$1")
    [ -n "$rules" ] && [ -z "$stopped" ] || return 0
    name=$1
    set -- "$here/moo" prune --force --name "$name"
    [ -z "$user" ] || set -- "$@" --user "$user"
    for value in $(conf_reach "$name") $rules; do set -- "$@" "$value"; done
    status=0
    run "$@" "$(conf_url "$name")" || status=$?
    [ "$status" = 7 ] || note "$status"
}

# backup_with_hooks SOURCE: MOO_STATUS tells the last hooks how it went.
backup_with_hooks() {
    result=0
    if hooks before "$1"; then backup "$1" || result=$?; else result=1; fi
    note "$result"
    [ "$result" != 0 ] || prune "$1"
    export MOO_STATUS="$result"
    hooks after "$1" || note 1
}

if hooks before; then
    for source in $sources; do
        [ -n "$stopped" ] || backup_with_hooks "$source"
    done
else
    note 1
fi
export MOO_STATUS="${stopped:-$worst}"
hooks after || note 1
exit "${stopped:-$worst}"
