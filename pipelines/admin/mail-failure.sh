#!/bin/sh
# mail-failure.sh: mails to MAILTO what a failed unit has printed, unless somebody has stopped it. systemd starts
# it, through OnFailure, and names the unit and its run in MONITOR_UNIT and MONITOR_INVOCATION_ID.
set -eu
self='mail-failure.sh'

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"

if [ -z "${MONITOR_UNIT-}" ] || [ -z "${MONITOR_INVOCATION_ID-}" ]; then
    fail 2 'MONITOR_UNIT and MONITOR_INVOCATION_ID are not set: systemd 251 or newer starts this script'
fi
# was_stopped: whether the run was ended by systemctl stop, or with the machine. Only systemd has jobs that stop a
# unit; SIGTERM by anybody else is a failure.
was_stopped() {
    case ${MONITOR_EXIT_STATUS-} in 143 | TERM) ;; *) return 1 ;; esac
    stopping=$(journalctl --quiet --output=cat _PID=1 "INVOCATION_ID=$MONITOR_INVOCATION_ID" \
        JOB_TYPE=stop JOB_TYPE=restart)
    [ -n "$stopping" ]
}

if was_stopped; then
    echo "$MONITOR_UNIT was stopped by systemctl: no mail is sent"
    exit
fi
PATH=$PATH:/usr/sbin:/sbin
command -v sendmail >/dev/null || fail 1 'there is no sendmail: install a mail server such as msmtp-mta'
# said: what the run has printed, with the command that printed it.
said() { journalctl --quiet --output=cat --lines=100 "_SYSTEMD_INVOCATION_ID=$MONITOR_INVOCATION_ID"; }

# The journal may have its lines a moment after the unit has ended: until no more are added.
tries=20 before=''
until lines=$(said) && [ -n "$lines" ] && [ "$lines" = "$before" ]; do
    before=$lines tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 0.5
done
{
    printf 'To: %s\nSubject: %s: %s failed\n' "${MAILTO:-root}" "$(hostname)" "$MONITOR_UNIT"
    printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n'
    [ -z "$lines" ] || printf '%s\n' "$lines"
    printf '%s ended with exit status %s.\n' "$MONITOR_UNIT" "${MONITOR_EXIT_STATUS:-unknown}"
} | sendmail -i -t
