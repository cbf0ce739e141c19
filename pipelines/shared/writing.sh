# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Making a set in a store: what the pipes that back up and consolidate share.
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

# encrypting_help, packing_help and stats_help: those options, in the help of each pipe.
encrypting_help() {
    cat <<'TEXT'
  --encrypt-key KEY         encrypt to this certificate: a file, or a fingerprint or key ID in
                            GnuPG's keyring; may be given more than once; without any, the
                            passphrase in PASSPHRASE encrypts
  --hidden-encrypt-key KEY  the same, without naming the key in the files
  --allow-weak-keys         encrypt to and sign with keys of old GnuPG that are too weak: gpg does it
  --no-encryption           do not encrypt
  --no-compression          do not compress
  --compress-level LEVEL    from 1, fast, to 9, small
  --jobs N                  work with so many threads (as many as there are processors)
TEXT
}
packing_help() {
    cat <<'TEXT'
  --volsize MIB             the most that a volume holds (64)
  --hash NAME               the sums in signatures: blake2, or md4 for very old duplicity
TEXT
}
stats_help() {
    cat <<'TEXT'
  --stats                   print statistics
  --no-print-statistics     print none (the default)
TEXT
}

# take_passphrases: they are for the stages that encrypt and decrypt, and no business of the others.
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

# reconcile [OPTIONS]: what an interrupted run has left in the archive is finished or cleared away.
# Prints what moo-commit, with these options, says of the archive.
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
