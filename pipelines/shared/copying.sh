# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the pipes that copy sets.
# Sourced with $here set to the folder above.

# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# two_stores URL1 URL2: checks that the two stores differ.
two_stores() {
    [ $# -eq 2 ] || fail 2 'two urls are needed: of the store to read and of the one to write (see --help)'
    [ "${1%/}" != "${2%/}" ] || fail 2 "$1: is both the store to read and the one to write"
}

# know WORDS...: asks moo-fetch, with these words, what the target has; from here on $known is the
# file that tells.
know() {
    known=$(mktemp "${TMPDIR:-/tmp}/moo-known.XXXXXX")
    trap 'rm -f -- "$known"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 131' QUIT
    trap 'exit 143' TERM
    moo-fetch --receipts "$@" >"$known"
}
