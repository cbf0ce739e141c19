#!/bin/sh
# setup-local.sh: makes this machine back itself up to another one: user, keys, configuration, sudo
# and schedule.
set -eu
self='setup-local.sh'

usage() {
    cat <<'TEXT'
usage: setup-local.sh --remote URL --source NAME=PATH... [options]

The first run makes the user, its keys and the configuration, and prints the command that sets up
the other machine. The second one, with what that printed as --host-key, tries the connection, makes
the key that the backups are encrypted to, puts its secret half into a recovery kit and nowhere
else, and starts the schedule.

  --remote URL             where backups go, such as sftp://purrbackups@store.example.org/backups
  --source NAME=PATH       a folder to back up, and the name of its backups; more than once
  --host-key FINGERPRINT   the other machine's SSH host key: SHA256:...
  --kit FILE               the recovery kit; to be kept elsewhere
  --passphrase-file FILE   the kit's passphrase is the first line of FILE; else it is asked for
  --mailto ADDRESS         who is told when a backup fails (root)
  --schedule 'M H * * D'   when to back up, as in crontab(5) (30 2 * * *)
  --systemd                a timer of systemd instead of cron; --schedule is its OnCalendar
  --user NAME              the user that backs up (moobacker)
  --dry-run                only print the commands that would run

Run again, it makes what is missing and changes nothing that is there.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/conf.sh
. "$here/shared/conf.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/steps.sh
. "$here/shared/steps.sh"
# shellcheck source-path=SCRIPTDIR source=local-parts.sh
. "$here/admin/local-parts.sh"
newline='
'

remote='' given='' host_key='' kit='' passphrase_file='' mailto='' schedule='' timer='' user=moobacker
own_option() {
    case $2 in
        --remote) needs_value "$@" && remote=$3 ;;
        --source) needs_value "$@" && given="$given$3$newline" ;;
        --host-key) needs_value "$@" && host_key=$3 ;;
        --kit) needs_value "$@" && kit=$3 ;;
        --passphrase-file) needs_value "$@" && passphrase_file=$3 ;;
        --mailto) needs_value "$@" && mailto=$3 ;;
        --schedule) needs_value "$@" && schedule=$3 ;;
        --systemd) timer=yes ;;
        --user) needs_value "$@" && user=$3 ;;
        --dry-run) dry_run=yes ;;
        *) no_such_option "$2" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 0 ] || fail 2 "$1: takes options only (see --help)"
case $user in '' | [!a-z_]* | *[!a-z0-9_-]* | root) fail 2 "--user: $user: not a name for a user" ;; esac
case $mailto in *[!A-Za-z0-9@._+,-]*) fail 2 "--mailto: $mailto: not an address" ;; esac
case $schedule in *"$newline"* | *%*) fail 2 '--schedule: one line without % is needed' ;; esac
[ -z "$timer" ] || [ -z "$mailto" ] || fail 2 '--mailto: cron sends mail, systemd does not'
case $host_key in '' | SHA256:?*) ;; *) fail 2 '--host-key: begins with SHA256:' ;; esac
# What belongs to the second run is not dropped in silence by the first one.
if [ -z "$host_key" ] && [ -n "$mailto$schedule$timer$kit$passphrase_file" ]; then
    fail 2 '--mailto, --schedule, --systemd, --kit and --passphrase-file need --host-key (see --help)'
fi
[ "$(id -u)" = 0 ] || fail 1 'only root can do this, or say what it would do'
[ -x "$here/moo-scan" ] || fail 1 "$here: has no programs: run install.sh, and then what it has installed"
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin && export PATH
LC_ALL=C && export LC_ALL
umask 022
home=/var/lib/$user etc=/etc/moobacker

# setup: what needs nothing from the other machine.
setup() {
    only_root_writes "$here"
    only_root_writes "$etc"
    make_user
    make_ssh_key
    make_seal_key
    make_configuration
    allow_backup
}

# finish: what needs the other machine, after the first half.
finish() {
    check_kit
    know_host
    try_stores
    make_kit
    make_schedule
}

# What is refused is refused before anything has changed.
# shellcheck disable=SC2030 # that is what the parentheses are for
(dry_run=yes && setup) >/dev/null
setup
# shellcheck disable=SC2031
if [ -n "$host_key" ]; then finish; elif [ -z "$dry_run" ]; then tell; fi
