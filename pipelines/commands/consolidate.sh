#!/bin/sh
# moo consolidate: a new full set out of the newest chain, without the source.
set -eu
self='moo consolidate'

usage() {
    cat <<'TEXT'
usage: moo consolidate [options] URL

Makes a new full set of the newest state in the store at URL, without a look at the source: the
newest chain is fetched, decrypted and put together, and what comes of it is stored as one set. The
next backup makes an increment on that. The old chain stays, until moo prune removes it. This needs
the secret key, and for a while room for the state in TMPDIR.

TEXT
    encrypting_help
    packing_help
    stats_help
    cat <<'TEXT'

What has to be of the old sets is of the new one, too:

  --sign-key KEY            each file is signed, inside its message, by KEY
  --seal-key KEY            the seal of each set is signed by KEY
  --passphrase-file FILE    the passphrase is the first line of FILE, not PASSPHRASE
  --passphrase-fd N         it comes from this file descriptor

And further:

  --secret-key FILE         decrypt with the secret key in FILE instead of those in GnuPG
  --identity ID             count no sets of another backup than that of this identity
  --allow-unprotected       read messages without integrity protection too, and files that are not
                            encrypted though a key is given or others are
  --user NAME               for root: run all as this user
TEXT
    shared_help
    cat <<'TEXT'

Nothing is printed when all is well. The exit status is 5 where anything of the chain is damaged,
and 9 while another run holds the archive; then there is nothing new in the store.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/writing.sh
. "$here/shared/writing.sh"

as=''
own_option() {
    case $2 in
        --sign-key | --seal-key | --passphrase-file)
            decrypting_option "$@"
            encrypt="$encrypt $2 $(quoted "$3")"
            ;;
        --user) needs_value "$@" && as=$3 ;;
        *) set_option "$@" || decrypting_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
check_common
[ -z "$as" ] || become "$as"
take_passphrases
url=$1
archive=$(archive_of "$url")
! (as_user test -d "$archive") || reconcile "" >/dev/null
given=$seal_key
read_from "$url"
[ "$seal_key" = "$given" ] || encrypt="$encrypt --seal-key $(quoted "$seal_key")"
set_stages
eval "$state | as_user moo-replay $all --archive \"\$archive\" | $stages"
