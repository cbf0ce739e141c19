#!/bin/sh
# doctor.sh: checks the backups of this machine, and prints a command that solves each problem.
set -eu
self=doctor.sh

usage() {
    cat <<'TEXT'
usage: moo doctor [options]

Check the machine that is backed up: programs, configuration, user, keys, schedule, age of the
backups, and that the account at the store allows backups and nothing else. Print a line for each
problem, which ends with the command that solves it. Print nothing if all is well. The only change
is a small file in the store, which is deleted if possible.

  --config FILE    read FILE instead of /etc/moobacker/backup.conf
  --user NAME      check the user NAME (moobacker)
  --max-age AGE    report backups older than AGE (8D)
  --append-only    require that the account cannot change or delete stored files
  --kit FILE       open the recovery kit FILE, and decrypt with its key
  --passphrase-file FILE
                   read the kit's passphrase from the first line of FILE instead of the terminal
  -v               print successful checks too

The exit status is 0 if all is well, or else 1, or a status that fits every problem, such as 8 for
a store that cannot be reached.

Examples:
  moo doctor
  moo doctor --append-only --max-age 26h
  moo doctor --kit /media/stick/server.kit
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/conf.sh
. "$here/shared/conf.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/steps.sh
. "$here/shared/steps.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/privileges.sh
. "$here/shared/privileges.sh"
# shellcheck source-path=SCRIPTDIR source=machine-checks.sh
. "$here/admin/machine-checks.sh"
# shellcheck source-path=SCRIPTDIR source=key-checks.sh
. "$here/admin/key-checks.sh"
# shellcheck source-path=SCRIPTDIR source=store-checks.sh
. "$here/admin/store-checks.sh"
# shellcheck source-path=SCRIPTDIR source=account-checks.sh
. "$here/admin/account-checks.sh"

config=/etc/moobacker/backup.conf owner=moobacker max_age=8D append='' kit='' passphrase_file=''
verbose='' ours='' settings=''
own_option() {
    case $2 in
        --config) needs_value "$@" && config=$3 ;;
        --user) needs_value "$@" && owner=$3 ;;
        --max-age) needs_value "$@" && max_age=$3 ;;
        --append-only) append=--append-only ;;
        --kit) needs_value "$@" && kit=$3 ;;
        --passphrase-file) needs_value "$@" && passphrase_file=$3 ;;
        -v | --verbose) verbose=yes ;;
        *) no_such_option "$2" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 0 ] || fail 2 "$1: takes options only (see --help)"
case $owner in '' | [!a-z_]* | *[!a-z0-9_-]* | root) fail 2 "--user: $owner: not a name for a user" ;; esac
[ -z "$passphrase_file" ] || [ -n "$kit" ] || fail 2 '--passphrase-file: is for --kit (see --help)'
oldest=$(age_seconds "$max_age") || fail 2 "--max-age: $max_age: not an age such as 8D"
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
[ "$config" = /etc/moobacker/backup.conf ] || run_backup="$run_backup --config $(quoted "$config")"

# finding STATUS WHICH WHAT COMMAND: prints a line for a problem; COMMAND solves it.
result=0
finding() {
    printf '%s\n' "$(legible "$self: $2: $3: $4")" >&2
    case $result in 0 | "$1") result=$1 ;; *) result=1 ;; esac
}

# passed WHICH WHAT: reports a successful check, with -v.
passed() { [ -z "$verbose" ] || printf '%s\n' "$(legible "$1: $2")"; }

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
    ! owners test -S "$work/ssh" || owners ssh -O exit -S "$work/ssh" there 2>/dev/null || :
    owners rm -rf "$work"
    rm -rf "$keyring"
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
check_schedule
[ -n "$configured" ] || leave
IFS=$newline
set -f
check_paths
check_certificates
check_seal
[ -z "$kit" ] || check_kit
check_way || leave
check_backups || leave
case $remote in sftp://*) check_account ;; esac
leave
