# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Reading from a store: what the pipes that restore, compare and copy share.
# Sourced with $here set to the folder of this file.

# shellcheck source-path=SCRIPTDIR source=pipe.sh
. "$here/pipe.sh"

# Options for moo-fetch and moo-decrypt; --keep-going, if it is wanted; the key of the seals.
fetch='' decrypt='' keep_going='' seal_key=''

# time_option COUNT OPTION [VALUE...]: reads the option that names a state; fails on another one.
time_option() {
    case $2 in
        -t | --time) needs_value "$@" && fetch="$fetch --time $(quoted "$3")" ;;
        *) return 1 ;;
    esac
}

# path_option COUNT OPTION [VALUE...]: the same for one file or directory of it.
path_option() {
    case $2 in
        -r | --path | --path-to-restore | --file-to-restore)
            needs_value "$@" && fetch="$fetch --path $(quoted "$3")"
            ;;
        *) return 1 ;;
    esac
}

# decrypting_option COUNT OPTION [VALUE...]: reads an option of all pipes that decrypt, as
# shared_option does those of all pipes.
decrypting_option() {
    case $2 in
        --secret-key | --sign-key | --seal-key | --passphrase-file | --passphrase-fd)
            needs_value "$@"
            [ "$2" != --seal-key ] || seal_key=$3
            decrypt="$decrypt $2 $(quoted "$3")"
            ;;
        --allow-unprotected) decrypt="$decrypt $2" ;;
        *) shared_option "$@" ;;
    esac
}

# decrypting_help: those options, in the help of each pipe.
decrypting_help() {
    cat <<'TEXT'
  --secret-key FILE         decrypt with the secret key in FILE instead of those in GnuPG
  --sign-key KEY            demand that each file is signed, inside its message, by KEY
  --seal-key KEY            demand that the seal of each set is signed by KEY
  --allow-unprotected       read messages without integrity protection too
  --passphrase-file FILE    take the passphrase from the first line of FILE, not from PASSPHRASE
  --passphrase-fd N         take it from this file descriptor
TEXT
    shared_help
}

# passphrase_from N: reads the passphrase from a file descriptor at once, for those who decrypt more
# than one time.
passphrase_from() {
    case $1 in [0-9]) ;; *) fail 2 "--passphrase-fd: $1: not a digit" ;; esac
    IFS= read -r PASSPHRASE <&"$1" || [ -n "$PASSPHRASE" ] || fail 6 "--passphrase-fd: $1: nothing there"
}

# read_from URL: from here on `eval "$state"` writes the wanted state of that store, decrypted, and
# moo_decrypt has the passphrase. The archive is $archive.
read_from() {
    url=$1
    archive=$(archive_of "$url")
    # Passphrases are for the stage that decrypts, and no business of the others.
    [ -z "${PASSPHRASE+set}" ] || passphrase=$PASSPHRASE
    unset PASSPHRASE SIGN_PASSPHRASE
    # It works without the archive; with it, it fetches less and notices more.
    fetch="$fetch$(archive_option "$url")"
    if [ -z "$seal_key" ] && [ -s "$archive/seal-key" ]; then
        seal_key=$(cat "$archive/seal-key")
        decrypt="$decrypt --seal-key $(quoted "$seal_key")"
    fi
    state="moo-fetch $all $keep_going $reach $fetch -- \"\$url\" | moo_decrypt $all $keep_going $decrypt"
}

moo_decrypt() (
    [ -z "${passphrase+set}" ] || export PASSPHRASE="$passphrase"
    exec moo-decrypt "$@"
)
