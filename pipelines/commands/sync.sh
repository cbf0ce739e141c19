#!/bin/sh
# moo sync: the archive of a store, made or mended from it.
set -eu
self='moo sync'

usage() {
    cat <<'TEXT'
usage: moo sync [options] URL

Brings the archive of the store at URL, which increments need, up to what the store has: where the
archive was lost, or others have backed up into the store. It needs the secret key. What the archive
has stays, also of sets that the store has no more; of those a line tells, and the exit status is 5.

TEXT
    decrypting_help
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
# What this finds to be different is what is mended next.
found=$(reconcile '--verbosity error')
know -- "file://$archive"
# shellcheck disable=SC2016 # to be evaluated later
fetch="$fetch --metadata --known \"\$known\""
read_from "$url"
eval "$state | moo-upload $all --archive \"\$archive\" | moo-commit $all"
found=$(reconcile "$all")
case $found in behind*) exit 5 ;; esac
