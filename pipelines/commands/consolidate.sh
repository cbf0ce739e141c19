#!/bin/sh
# moo consolidate: makes a new full set from the newest chain, without the source.
set -eu
self='moo consolidate'

usage() {
    cat <<'TEXT'
usage: moo consolidate [options] URL

Make a new full set of the newest state in the store at URL, without reading the source. The newest
chain is fetched, decrypted and rebuilt, and its state is stored as one set. The next backup is an
increment to that set. The old chain stays until moo prune deletes it. This needs the secret key,
and room for the state in TMPDIR.

TEXT
    encrypting_help
    packing_help
    stats_help
    cat <<'TEXT'

These options hold for the old sets and for the new one:

  --sign-key KEY            require and make signatures by KEY inside each message
  --seal-key KEY            require and make signatures by KEY on seals
  --passphrase-file FILE    read the passphrase from the first line of FILE, not from PASSPHRASE
  --passphrase-fd N         read the passphrase from file descriptor N

Other options:

  --secret-key FILE         decrypt with the secret key in FILE instead of GnuPG's keyring
  --identity ID             use only sets with the identity ID
  --allow-unprotected       accept messages without integrity protection, and unencrypted files
                            among encrypted ones or although a key is given
  --user NAME               run all stages as the user NAME (root only)
TEXT
    shared_help
    cat <<'TEXT'

A successful run prints nothing. The exit status is 5 if a file of the chain is damaged, and 9 if
another run has locked the archive directory. In both cases nothing new is stored.

Examples:
  moo consolidate --encrypt-key ~/backup.cert.pgp --secret-key ~/backup.secret.pgp \
      file:///srv/backup
  moo prune --older-than 1Y --force file:///srv/backup
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
