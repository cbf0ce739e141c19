#!/bin/sh
# moo rekey: copies a store and encrypts it to other keys.
set -eu
self='moo rekey'

usage() {
    cat <<'TEXT'
usage: moo rekey --encrypt-key KEY [options] URL1 URL2

Decrypt the sets of the store at URL1, encrypt them again, and store them at URL2. Sets that URL2
already has are neither read nor sent. A set appears when all of it has arrived; an interruption
costs one set. URL1 does not change.

Encryption:
  --encrypt-key KEY         encrypt to the certificate KEY: a file, or a fingerprint or key ID in
                            GnuPG's keyring; can be repeated
  --hidden-encrypt-key KEY  encrypt to the certificate KEY without naming it in the files
  --new-passphrase-file FILE
                            encrypt with the passphrase in the first line of FILE; it also unlocks
                            the keys that sign
  --new-passphrase-fd N     encrypt with the passphrase from file descriptor N
  --allow-weak-keys         let gpg encrypt to keys of old GnuPG that are too weak
  --no-encryption           do not encrypt
  --no-compression          do not compress
  --compress-level LEVEL    compress at LEVEL, from 1 (fast, the default) to 9 (small)
  --jobs N                  use N threads (one per processor, at most 8)
  --sign-key KEY            sign each file inside its message with KEY
  --seal-key KEY            sign the new seals with KEY

Decryption:
  --secret-key FILE         decrypt with the secret key in FILE instead of GnuPG's keyring
  --passphrase-file FILE    read the passphrase from the first line of FILE, not from PASSPHRASE
  --passphrase-fd N         read the passphrase from file descriptor N
  --old-sign-key KEY        require that KEY has signed each file inside its message
  --old-seal-key KEY        require that KEY has signed the seal of each set
  --allow-unprotected       accept messages without integrity protection, and unencrypted files
                            among encrypted ones or although a key is given

TEXT
    shared_help
    cat <<'TEXT'

NEW_PASSPHRASE can also hold the new passphrase, and SIGN_PASSPHRASE that of the keys that sign. The
settings of SSH hold for both stores. Make the archive directory of URL2 with moo sync.

Examples:
  moo rekey --secret-key ~/backup.secret.pgp --encrypt-key ~/new.cert.pgp \
      file:///srv/backup file:///mnt/second
  moo rekey --encrypt-key ~/new.cert.pgp --seal-key ~/host.secret.pgp \
      --old-seal-key ~/host.cert.pgp file:///srv/backup sftp://user@host/second
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
