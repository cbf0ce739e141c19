# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # shared with pipe.sh, and with those who source this file
# Reading from a store: what the pipes that restore, compare and copy share. Sourced after pipe.sh.

# Options for moo-fetch and moo-decrypt; --keep-going, if it is wanted; the key of the seals.
fetch='' decrypt='' keep_going='' seal_key=''

# reading_option COUNT OPTION [VALUE…]: reads an option of all pipes that read a state, as
# shared_option does those of all pipes.
reading_option() {
    taken=1
    case $2 in
        -t | --time)
            needs_value "$2" "$1" && taken=2
            fetch="$fetch --time $(quoted "$3")"
            ;;
        --keep-going) keep_going=$2 ;;
        *) decrypting_option "$@" ;;
    esac
}

# decrypting_option COUNT OPTION [VALUE…]: the same for pipes that only decrypt.
decrypting_option() {
    taken=1
    case $2 in
        --secret-key | --sign-key | --seal-key | --passphrase-file | --passphrase-fd)
            needs_value "$2" "$1" && taken=2
            [ "$2" != --seal-key ] || seal_key=$3
            decrypt="$decrypt $2 $(quoted "$3")"
            ;;
        --allow-unprotected) decrypt="$decrypt $2" ;;
        *) shared_option "$@" ;;
    esac
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
    [ ! -d "$archive" ] || fetch="$fetch --archive $(quoted "$archive")"
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
