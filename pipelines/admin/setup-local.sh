#!/bin/sh
# setup-local.sh: makes this machine back itself up to another one: user, keys, configuration, sudo
# and schedule.
set -eu
self='moo setup-local'

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/call.sh
. "$here/shared/call.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/conf.sh
. "$here/shared/conf.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/steps.sh
. "$here/shared/steps.sh"
# shellcheck source-path=SCRIPTDIR source=local-parts.sh
. "$here/admin/local-parts.sh"
# shellcheck source-path=SCRIPTDIR source=schedule.sh
. "$here/admin/schedule.sh"
newline='
'

read_call setup-local "$@"
user=${user:-moobacker}
case $user in '' | [!a-z_]* | *[!a-z0-9_-]* | root) fail 2 "--user: $user: not a name for a user" ;; esac
case $mailto in *[!A-Za-z0-9@._+,-]*) fail 2 "--mailto: $mailto: not an address" ;; esac
case $schedule in *"$newline"* | *%*) fail 2 '--schedule: one line without % is needed' ;; esac
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
    check_schedule
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
