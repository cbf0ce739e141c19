#!/bin/sh
# setup-local.sh: makes this machine back itself up to another one: user, keys, configuration, sudo
# and schedule.
set -eu
self='setup-local.sh'

usage() {
    cat <<'TEXT'
usage: setup-local.sh --remote URL --source NAME=PATH... [options]

Set up this machine for backups to another one (root only). The first run makes the user, its keys
and the configuration, and prints the command that sets up the other machine. The second run, with
the --host-key that this command has printed, tests the connection, makes the key that encrypts the
backups, writes its secret half into a recovery kit and nowhere else, and starts the schedule.

  --remote URL             store backups at URL, such as sftp://purrbackups@store.example.org/backups
  --source NAME=PATH       back up the folder PATH as NAME; can be repeated
  --host-key FINGERPRINT   accept the other machine's SSH host key, SHA256:...
  --kit FILE               write the recovery kit to FILE; keep it elsewhere
  --passphrase-file FILE   read the kit's passphrase from the first line of FILE instead of the
                           terminal
  --mailto ADDRESS         mail failures to ADDRESS (root)
  --schedule 'M H * * D'   back up at this time, as in crontab(5) (30 2 * * *)
  --systemd                use a systemd timer instead of cron; --schedule is then its OnCalendar
  --user NAME              back up as the user NAME (moobacker)
  --dry-run                print the commands without running them

Run again, it makes what is missing and changes nothing else.

Examples:
  sudo moo setup-local --remote sftp://purrbackups@store.example.org/backups \
      --source etc=/etc --source home=/home
  sudo moo setup-local --host-key SHA256:... --kit /media/stick/server.kit \
      --mailto you@example.org
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
[ "$(id -u)" = 0 ] || fail 1 'run as root: only root can do this, or print it with --dry-run'
[ -x "$here/moo-scan" ] || fail 1 "$here: has no programs: run install.sh, then the installed script"
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin && export PATH
LC_ALL=C && export LC_ALL
umask 022
home=/var/lib/$user etc=/etc/moobacker

# setup: the steps that do not need the other machine.
setup() {
    only_root_writes "$here"
    only_root_writes "$etc"
    make_user
    make_ssh_key
    make_seal_key
    make_configuration
    allow_backup
}

# finish: the steps that need the other machine, after setup.
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
