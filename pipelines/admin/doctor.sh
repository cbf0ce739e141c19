#!/bin/sh
# doctor.sh: checks the backups of this machine, and prints a command that solves each problem.
set -eu
self='moo doctor'

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/call.sh
. "$here/shared/call.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/conf.sh
. "$here/shared/conf.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/steps.sh
. "$here/shared/steps.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/privileges.sh
. "$here/shared/privileges.sh"
# shellcheck source-path=SCRIPTDIR source=schedule.sh
. "$here/admin/schedule.sh"
# shellcheck source-path=SCRIPTDIR source=machine-checks.sh
. "$here/admin/machine-checks.sh"
# shellcheck source-path=SCRIPTDIR source=key-checks.sh
. "$here/admin/key-checks.sh"
# shellcheck source-path=SCRIPTDIR source=store-checks.sh
. "$here/admin/store-checks.sh"
# shellcheck source-path=SCRIPTDIR source=account-checks.sh
. "$here/admin/account-checks.sh"

read_call doctor "$@"
config=${config:-$(conf_default)} owner=${owner:-moobacker} max_age=${max_age:-8D}
append_only=${append:+--append-only}
case $owner in '' | [!a-z_]* | *[!a-z0-9_-]* | root) fail 2 "--user: $owner: not a name for a user" ;; esac
[ "$(id -u)" = 0 ] || fail 1 'run as root: only root can check everything'
[ -x "$here/moo-scan" ] || fail 1 "$here: has no programs: run install.sh, then the installed script"
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C && export PATH LC_ALL
umask 077
[ -z "$kit" ] || kit=$(readlink -m -- "$kit")
[ -z "$passphrase_file" ] || passphrase_file=$(readlink -m -- "$passphrase_file")
config=$(readlink -m -- "$config")
cd /

set_up='moo setup-local'
[ "$owner" = moobacker ] || set_up="$set_up --user $owner"
run_backup="$here/backup.sh --user $owner"
[ "$config" = "$(conf_default)" ] || run_backup="$run_backup --config $(quoted "$config")"

# finding STATUS WHICH WHAT COMMAND: prints a line for a problem; COMMAND solves it.
result=0
finding() {
    case $result in 0 | "$1") result=$1 ;; *) result=1 ;; esac
    if [ -n "$json" ]; then
        line_of_json "$1" "$2" "$3" "$(string_of_json "$4")"
    else
        printf '%s\n' "$(legible "$self: $2: $3: $4")" >&2
    fi
}

# passed WHICH WHAT: reports a successful check, with -v.
passed() {
    if [ -z "$verbose" ]; then
        return 0
    elif [ -n "$json" ]; then
        line_of_json 0 "$1" "$2" null
    else
        printf '%s\n' "$(legible "$1: $2")"
    fi
}

# line_of_json STATUS WHICH WHAT COMMAND: a check; COMMAND is a string of JSON, or null.
line_of_json() {
    printf '{"status":%s,"subject":%s,"message":%s,"command":%s}\n' \
        "$1" "$(string_of_json "$2")" "$(string_of_json "$3")" "$4"
}

string_of_json() { printf '"%s"\n' "$(legible "$1" | sed 's/[\\"]/\\&/g')"; }

# owners COMMAND…: runs the command as the user, because root must not touch the user's files.
owners() (as_user "$@")

# workplace: $work, a folder of the user's own, for what has to be in files; $keyring, of root's.
workplace() {
    work=$(owners mktemp -d) || fail 1 "/tmp: not writable for $owner"
    keyring=$(mktemp -d)
    trap tidy EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 131' QUIT
    trap 'exit 143' TERM
    # shellcheck disable=SC2016 # for the inner shell
    owners sh -c 'cd "$1" && mkdir gnupg files && echo one >files/one && echo the second >files/two' sh "$work"
}

# shellcheck disable=SC2317,SC2329 # the trap calls it
tidy() {
    for store in $(conf_stores); do
        ! owners test -S "$work/ssh.$store" || owners ssh -O exit -S "$work/ssh.$store" there 2>/dev/null || :
    done
    owners rm -rf "$work"
    rm -rf "$keyring"
}

# check_store: the way to the store $store, what is in it, and the account there.
check_store() {
    [ -n "$(conf_stored)" ] || return 0
    remote=$(conf_remote) append=$append_only ours='' settings=''
    ! conf_append_only || append=--append-only
    check_way || return 0
    check_backups || return 0
    case $remote in sftp://*) check_account ;; esac
}

# leave: with the status of what was found.
leave() { exit "$result"; }

newline='
'

# What can't be checked before something else is mended is left for then.
check_installation
configured=yes
check_configuration || configured=''
check_user || leave
become "$owner"
workplace
check_home
check_sudo
check_start
[ -n "$configured" ] || leave
IFS=$newline
set -f
check_checks
check_paths
check_certificates
check_seal
[ -z "$kit" ] || check_kit
for store in $(conf_stores); do check_store; done
leave
