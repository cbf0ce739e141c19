# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the pipes that back up and consolidate: making a set in a store.
# Sourced after pipe.sh.

# Options for moo-sign, moo-pack, moo-encrypt and moo-commit; and for those with several threads.
sign='' pack='' encrypt='' commit='' jobs=''

# set_option COUNT OPTION [VALUE...]: reads an option that says how a set is made; fails on another
# one.
set_option() {
    case $2 in
        --encrypt-key | --hidden-encrypt-key | --compress-level)
            needs_value "$@" && encrypt="$encrypt $2 $(quoted "$3")"
            ;;
        --no-encryption | --no-compression | --allow-weak-keys) encrypt="$encrypt $2" ;;
        --jobs) needs_value "$@" && jobs="$2 $(quoted "$3")" ;;
        --volsize) needs_value "$@" && pack="$pack $2 $(quoted "$3")" ;;
        --hash) needs_value "$@" && sign="$sign $2 $(quoted "$3")" ;;
        --stats) commit="$commit --stats" ;;
        --no-print-statistics) ;;
        *) return 1 ;;
    esac
}

# encrypting_help, packing_help and stats_help: the options of pipes that make sets, for --help.
encrypting_help() {
    cat <<'TEXT'
  --encrypt-key KEY         encrypt to the certificate KEY: a file, or a fingerprint or key ID in
                            GnuPG's keyring; can be repeated; without it, the passphrase in
                            PASSPHRASE encrypts
  --hidden-encrypt-key KEY  encrypt to the certificate KEY without naming it in the files
  --allow-weak-keys         let gpg encrypt to and sign with keys of old GnuPG that are too weak
  --no-encryption           do not encrypt
  --no-compression          do not compress
  --compress-level LEVEL    compress at LEVEL, from 1 (fast, the default) to 9 (small)
  --jobs N                  use N threads (one per processor, at most 8)
TEXT
}
packing_help() {
    cat <<'TEXT'
  --volsize MIB             fill each volume up to MIB MiB, before compression (64)
  --hash NAME               use the checksum NAME in signatures: blake2, or md4 for very old
                            duplicity
TEXT
}
stats_help() {
    cat <<'TEXT'
  --stats                   print statistics
  --no-print-statistics     print no statistics (the default)
TEXT
}

# take_passphrases: only the stages that encrypt and decrypt get the passphrases.
take_passphrases() {
    [ -z "${PASSPHRASE+set}" ] || passphrase=$PASSPHRASE
    [ -z "${SIGN_PASSPHRASE+set}" ] || sign_passphrase=$SIGN_PASSPHRASE
    unset PASSPHRASE SIGN_PASSPHRASE
}

moo_encrypt() {
    [ -z "${passphrase+set}" ] || export PASSPHRASE="$passphrase"
    [ -z "${sign_passphrase+set}" ] || export SIGN_PASSPHRASE="$sign_passphrase"
    as_user moo-encrypt "$@"
}

# reconcile [OPTIONS]: finishes or deletes the leftovers of an interrupted run in the archive directory.
# Prints the output of moo-commit with these options.
reconcile() {
    eval "as_user moo-fetch $all $reach --receipts $(archive_option "$url") -- \"\$url\" |
        as_user moo-commit $all $jobs --reconcile --archive \"\$archive\" ${1-}"
}

# set_stages: sets $stages, text for `eval`: the stages that make a set of a tree stream, in the store
# $url and in $archive. It ends the one pipe of the script, so that no other shell stays beside it.
set_stages() {
    stages="as_user moo-sign $all $sign |
        as_user moo-delta $all --archive \"\$archive\" |
        as_user moo-pack $all --archive \"\$archive\" $pack |
        moo_encrypt $all $jobs $encrypt |
        as_user moo-upload $all $reach -- \"\$url\" |
        as_user moo-commit $all $jobs --archive \"\$archive\" $commit"
}
