# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the pipes that copy sets.
# Sourced with $here set to the folder above.

# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# two_stores: checks that the two stores differ.
two_stores() {
    [ "${url%/}" != "${target%/}" ] || fail 2 "$shown_url: is both the store to read and the one to write"
}

# know STAGE URL: asks what that store has, by receipts or, of an archive directory, by held; from here on
# $known is the file that tells.
know() {
    folder=${TMPDIR:-/tmp}
    # Root opens no name where another user could have put a link.
    [ -z "$user" ] || { folder=${MOO_SCRATCH:-/tmp/-} && folder=${folder%/*}; }
    known=$(mktemp "$folder/moo-known.XXXXXX")
    trap 'rm -f -- "$known"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 131' QUIT
    trap 'exit 143' TERM
    ("$1" -- "$2") >"$known"
    [ -z "$user" ] || chown -- "$uid" "$known"
}
