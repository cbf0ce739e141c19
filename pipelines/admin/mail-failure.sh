#!/bin/sh
# mail-failure.sh: mails to MAILTO what a failed unit has printed. systemd starts it, through OnFailure, and
# names the unit and its run in MONITOR_UNIT and MONITOR_INVOCATION_ID.
set -eu
self='mail-failure.sh'

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"

if [ -z "${MONITOR_UNIT-}" ] || [ -z "${MONITOR_INVOCATION_ID-}" ]; then
    fail 2 'MONITOR_UNIT and MONITOR_INVOCATION_ID are not set: systemd 251 or newer starts this script'
fi
PATH=$PATH:/usr/sbin:/sbin
command -v sendmail >/dev/null || fail 1 'there is no sendmail: install a mail server such as msmtp-mta'
{
    printf 'To: %s\nSubject: %s: %s failed\n' "${MAILTO:-root}" "$(hostname)" "$MONITOR_UNIT"
    printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n'
    journalctl --quiet --output=cat --lines=100 "_SYSTEMD_INVOCATION_ID=$MONITOR_INVOCATION_ID"
    printf '%s ended with exit status %s.\n' "$MONITOR_UNIT" "${MONITOR_EXIT_STATUS:-unknown}"
} | sendmail -i -t
