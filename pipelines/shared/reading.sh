# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the pipes that restore, compare and copy.
# Sourced with $here set to the folder above.

# shellcheck source-path=SCRIPTDIR source=../shared/pipe.sh
. "$here/shared/pipe.sh"

# Options for moo-fetch and moo-decrypt; the requested state and path; --keep-going, if given;
# the key of the seals.
# Whether sets must be encrypted, and whether unencrypted sets count.
fetch='' decrypt='' part='' keep_going='' seal_key='' encrypted='' unprotected=''

# time_option COUNT OPTION [VALUE...]: reads the option that names a state; fails on another one.
time_option() {
    case $2 in
        -t | --time) needs_value "$@" && fetch="$fetch --time $(quoted "$3")" ;;
        *) return 1 ;;
    esac
}

# path_option COUNT OPTION [VALUE...]: reads the option that names a file or directory of the state.
path_option() {
    case $2 in
        -r | --path | --path-to-restore | --file-to-restore)
            needs_value "$@" && part=" --path $(quoted "$3")"
            ;;
        *) return 1 ;;
    esac
}

# decrypting_option COUNT OPTION [VALUE...]: reads an option of all pipes that decrypt, as
# shared_option does those of all pipes.
decrypting_option() {
    case $2 in
        --passphrase-fd) needs_value "$@" && passphrase_from "$3" && encrypted=yes ;;
        --secret-key | --sign-key | --seal-key | --passphrase-file)
            needs_value "$@"
            case $2 in
                --seal-key) seal_key=$3 fetch="$fetch $2 $(quoted "$3")" ;;
                --sign-key) ;;
                *) encrypted=yes ;;
            esac
            decrypt="$decrypt $2 $(quoted "$3")"
            ;;
        --identity) needs_value "$@" && fetch="$fetch --identity $(quoted "$3")" ;;
        --allow-unprotected) decrypt="$decrypt $2" fetch="$fetch $2" unprotected=yes ;;
        *) shared_option "$@" ;;
    esac
}

# decrypting_help: the options of pipes that decrypt, for --help.
decrypting_help() {
    cat <<'TEXT'
  --secret-key FILE         decrypt with the secret key in FILE instead of GnuPG's keyring
  --sign-key KEY            require that KEY has signed each file inside its message
  --seal-key KEY            require that KEY has signed the seal of each set
  --identity ID             use only sets with the identity ID: 32 hexadecimal digits, from
                            moo status or the recovery kit
  --allow-unprotected       accept messages without integrity protection, and unencrypted files
                            among encrypted ones or although a key is given
  --passphrase-file FILE    read the passphrase from the first line of FILE, not from PASSPHRASE
  --passphrase-fd N         read the passphrase from file descriptor N
TEXT
    shared_help
}

# read_from URL: from here on `eval "$state"` writes the wanted state of that store, decrypted, and
# moo_decrypt has the passphrase. The archive is $archive.
read_from() {
    url=$1
    archive=$(known_archive "$url")
    # Only the stage that decrypts gets the passphrases.
    [ -z "${PASSPHRASE+set}" ] || passphrase=$PASSPHRASE
    unset PASSPHRASE SIGN_PASSPHRASE
    if [ -z "$seal_key" ] && (as_user test -s "$archive/seal-key"); then
        seal_key=$(as_user head -c 4096 "$archive/seal-key")
        decrypt="$decrypt --seal-key $(quoted "$seal_key")"
        fetch="$fetch --seal-key $(quoted "$seal_key")"
    fi
    [ -n "$unprotected" ] || [ -z "$encrypted${passphrase:-}" ] || fetch="$fetch --encrypted"
    # It works without the archive; with it, it fetches less and notices more.
    with_archive=$(archive_option "$url")
    [ -n "$with_archive" ] || [ -z "$part" ] || [ "$keep_going" = --keep-going ] || fetch_manifests
    state_of "$keep_going" "$part$with_archive"
}

# state_of KEEP_GOING OPTIONS: sets $state; the options are further ones of moo-fetch.
state_of() {
    state="as_user moo-fetch $all $1 $reach $fetch $2 -- \"\$url\" | moo_decrypt $all $1 $decrypt"
}

# fetch_manifests: makes an archive of what tells which volumes have the part that is wanted. Where
# something of that is damaged, all is fetched, and what is damaged is told then.
fetch_manifests() {
    state_of '' --manifests
    make_archive
    status=0
    said=$(fill_archive 2>&1) || status=$?
    case $status in
        0) with_archive=" --archive $(quoted "$temporary")" ;;
        5) ;;
        *) printf '%s\n' "$said" >&2 && exit "$status" ;;
    esac
}

# make_archive: makes $temporary, an empty folder that goes when this script does.
make_archive() {
    temporary=$(as_user mktemp -d "${TMPDIR:-/tmp}/moo-archive.XXXXXX")
    trap '(as_user rm -rf -- "$temporary")' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 131' QUIT
    trap 'exit 143' TERM
}

# fill_archive: brings what $state has into it.
fill_archive() {
    eval "$state | as_user moo-upload $all --archive \"\$temporary\" | as_user moo-commit $all"
}

moo_decrypt() (
    [ -z "${passphrase+set}" ] || export PASSPHRASE="$passphrase"
    as_user moo-decrypt "$@"
)
