#!/bin/sh
# moo rekey: a copy of a store, encrypted to other keys.
set -eu
self='moo rekey'

usage() {
    cat <<'TEXT'
usage: moo rekey --encrypt-key KEY [options] URL1 URL2

Decrypts the sets of the store at URL1, encrypts them anew, and brings them to the store at URL2.
Sets that URL2 has already are neither read nor sent. A set is there when all of it has arrived, and
an interruption costs one. URL1 stays what it is.

How it is encrypted:
  --encrypt-key KEY         to this certificate: a file, or a fingerprint or key ID in GnuPG's
                            keyring; may be given more than once
  --hidden-encrypt-key KEY  the same, without naming the key in the files
  --new-passphrase-file FILE
                            with the passphrase in the first line of FILE; the passphrase of the
                            keys that sign, too
  --new-passphrase-fd N     the same from this file descriptor
  --allow-weak-keys         also to keys of old GnuPG that are too weak: gpg does it
  --no-encryption           not at all
  --no-compression          do not compress
  --compress-level LEVEL    from 1, fast, to 9, small
  --jobs N                  work with so many threads (as many as there are processors)
  --sign-key KEY            sign each file, inside its message
  --seal-key KEY            sign the new seals

How it is read:
  --secret-key FILE         decrypt with the secret key in FILE instead of those in GnuPG
  --passphrase-file FILE    take the passphrase from the first line of FILE, not from PASSPHRASE
  --passphrase-fd N         take it from this file descriptor
  --old-sign-key KEY        demand that each file is signed, inside its message, by KEY
  --old-seal-key KEY        demand that the seal of each set is signed by KEY
  --allow-unprotected       read messages without integrity protection too, and files that are not
                            encrypted though a key is given or others are

TEXT
    shared_help
    cat <<'TEXT'

The new passphrase may also be in NEW_PASSPHRASE, and that of the keys that sign in SIGN_PASSPHRASE.
The settings of SSH are for both stores. The archive of URL2 is made by moo sync.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/copying.sh
. "$here/shared/copying.sh"

encrypt='' to=''
own_option() {
    case $2 in
        --encrypt-key | --hidden-encrypt-key)
            needs_value "$@" && encrypt="$encrypt $2 $(quoted "$3")" to=$2
            ;;
        --new-passphrase-file | --new-passphrase-fd)
            needs_value "$@" && encrypt="$encrypt --${2#--new-} $(quoted "$3")" to=$2
            ;;
        --sign-key | --seal-key | --compress-level | --jobs)
            needs_value "$@" && encrypt="$encrypt $2 $(quoted "$3")"
            ;;
        --no-encryption) encrypt="$encrypt $2" to=$2 ;;
        --no-compression | --allow-weak-keys) encrypt="$encrypt $2" ;;
        --old-sign-key | --old-seal-key)
            needs_value "$@" && decrypting_option "$1" "--${2#--old-}" "$3"
            ;;
        *) decrypting_option "$@" ;;
    esac
}

# The passphrases to sign and to encrypt with are for the stage that encrypts.
# shellcheck disable=SC2030,SC2031 # and for no other
moo_encrypt() (
    [ -z "${new_passphrase+set}" ] || export PASSPHRASE="$new_passphrase"
    [ -z "${sign_passphrase+set}" ] || export SIGN_PASSPHRASE="$sign_passphrase"
    exec moo-encrypt "$@"
)

read_options "$@"
eval "set -- $words"
two_stores "$@"
check_common
[ -z "${NEW_PASSPHRASE+set}" ] || new_passphrase=$NEW_PASSPHRASE
# shellcheck disable=SC2031 # it is as it was
[ -z "${SIGN_PASSPHRASE+set}" ] || sign_passphrase=$SIGN_PASSPHRASE
unset NEW_PASSPHRASE
[ -n "$to${new_passphrase-}" ] ||
    fail 6 'nothing to encrypt to (give --encrypt-key, --new-passphrase-file or --no-encryption)'
eval "know $all $reach -- \"\$2\""
# shellcheck disable=SC2016 # to be evaluated later
fetch="$fetch --all --known \"\$known\""
read_from "$1"
eval "$state | moo_encrypt $all $encrypt | moo-upload $all $reach -- \"\$2\" | moo-commit $all"
