#!/bin/sh
# moo sync: rebuilds or repairs the archive directory of a store.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo sync'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/copying.sh
. "$here/shared/copying.sh"

# reconcile [OPTION...]: finishes or clears away what an interrupted run has left, with these options of
# moo-commit; prints whether the archive is `current` or `behind`. Warnings about the store are printed once.
reconcile() {
    there=''
    ! user_test -d "$archive" || there=$archive
    receipts --verbosity error ${there:+"--archive=$there"} -- "$url" |
        commit "$@" --reconcile --archive "$archive"
}

read_pipe sync "$@"
read_passphrase
archive=$(archive_of "$url")
# The differences that this finds are repaired next.
found=$(reconcile --verbosity error)
know held "file://$archive"
read_from "$url"
state --metadata --known "$known" | upload --archive "$archive" | commit
found=$(reconcile)
case $found in behind*) exit 5 ;; esac
