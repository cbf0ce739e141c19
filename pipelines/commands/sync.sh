#!/bin/sh
# moo sync: rebuilds or repairs the archive directory of a store.
set -eu
self='moo sync'

usage() {
    cat <<'TEXT'
usage: moo sync [options] URL

Bring the archive directory of the store at URL, which increments need, up to date with the store.
Use this if the archive directory was lost, or if another machine has backed up to the store. This
needs the secret key. Sets that the store no longer has stay in the archive directory. They are
named, and the exit status is 5.

TEXT
    decrypting_help
    cat <<'TEXT'

Examples:
  moo sync file:///srv/backup
  moo sync --secret-key ~/backup.secret.pgp --seal-key ~/host.cert.pgp sftp://user@host/backup
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/copying.sh
. "$here/shared/copying.sh"

own_option() {
    decrypting_option "$@"
}

# reconcile WORDS: finishes or clears away what an interrupted run has left, with these words for
# all stages; tells whether the archive is `current` or `behind`.
reconcile() {
    eval "moo-fetch $1 $reach --receipts -- \"\$url\" |
        moo-commit $1 --reconcile --archive \"\$archive\""
}

read_options "$@"
eval "set -- $words"
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
check_common
url=$1
archive=$(archive_of "$url")
# The differences that this finds are repaired next.
found=$(reconcile '--verbosity error')
know -- "file://$archive"
# shellcheck disable=SC2016 # to be evaluated later
fetch="$fetch --metadata --known \"\$known\""
read_from "$url"
eval "$state | moo-upload $all --archive \"\$archive\" | moo-commit $all"
found=$(reconcile "$all")
case $found in behind*) exit 5 ;; esac
