#!/bin/sh
# recovery-kit.sh: writes everything that a restore needs into one file.
# shellcheck disable=SC2154 # read_call sets variables
set -eu
self='moo recovery-kit'

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/call.sh
. "$here/shared/call.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/conf.sh
. "$here/shared/conf.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/steps.sh
. "$here/shared/steps.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/privileges.sh
. "$here/shared/privileges.sh"
# shellcheck source-path=SCRIPTDIR source=kit-parts.sh
. "$here/admin/kit-parts.sh"
# shellcheck source-path=SCRIPTDIR source=kit-page.sh
. "$here/admin/kit-page.sh"

read_call recovery-kit "$@"
umask 077
LC_ALL=C && export LC_ALL

# workplace: makes $work, a private folder, in memory if possible; it is deleted at the end.
workplace() {
    work='' unfinished=''
    trap 'leave' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 131' QUIT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM
    for memory in /dev/shm "${TMPDIR:-/tmp}"; do
        work=$(mktemp -d "$memory/kit.XXXXXX" 2>/dev/null) && break
    done
    [ -n "$work" ] || fail 1 "${TMPDIR:-/tmp}: not writable"
    mkdir "$work/home" "$work/proof" "$work/proof/home" "$work/secrets" "$work/moobacker-kit"
}

leave() {
    [ -z "$unfinished" ] || rm -f "$unfinished"
    [ -n "$work" ] || return 0
    gpgconf --homedir "$work/home" --kill all 2>/dev/null || :
    gpgconf --homedir "$work/proof/home" --kill all 2>/dev/null || :
    rm -rf "$work"
}

# passphrases: copies the passphrases, because they are needed more than once.
passphrases() {
    key_passphrase=${key_file:-$passphrase_file}
    [ -z "$passphrase_file" ] || first_line "$passphrase_file" "$work/passphrase"
    : >"$work/key-passphrase"
    [ -z "$key_passphrase" ] || first_line "$key_passphrase" "$work/key-passphrase"
    [ -z "$passphrase_file$dry_run" ] || return 0
    (: </dev/tty) 2>/dev/null || fail 6 'no passphrase: there is no terminal and no --passphrase-file'
}

# first_line FILE COPY
first_line() {
    head -n 1 -- "$1" 2>/dev/null >"$2" || fail 6 "$1: not readable"
    grep -q . "$2" || fail 6 "$1: its first line is empty"
}

# gpg_locked WORDS…: gpg with the kit's passphrase, from the file or asked for by gpg.
gpg_locked() {
    [ -z "$passphrase_file" ] || set -- --batch --passphrase-file "$work/passphrase" "$@"
    run gpg --homedir "$work/home" -q --no-symkey-cache --pinentry-mode loopback "$@"
}

# ask TEXT: says which passphrase gpg will ask for, unless a file has it.
ask() {
    [ -n "$passphrase_file$dry_run" ] || echo "$self: $1" >/dev/tty
}

# lock: the secrets into the kit.
lock() {
    run tar -C "$work" --owner=root:0 --group=root:0 -cf "$work/secrets.tar" secrets
    ask 'a passphrase that is to lock the kit'
    gpg_locked --cipher-algo AES256 --s2k-cipher-algo AES256 --s2k-digest-algo SHA512 \
        --s2k-mode 3 --s2k-count 65011712 -o "$work/moobacker-kit/secrets.tar.gpg" \
        -c "$work/secrets.tar" 2>"$work/log" || fail 6 "no passphrase: $(last_line "$work/log")"
}

# pack: the kit as one file, under a name that is not yet its own.
pack() {
    # shellcheck disable=SC2016 # for the inner shell
    fill "$work/SHA256SUMS" sh -c 'cd "$1" && sha256sum -- *' sh "$work/moobacker-kit"
    run mv "$work/SHA256SUMS" "$work/moobacker-kit"
    if [ -z "$dry_run" ]; then
        unfinished=$(mktemp -- "$output.XXXXXX" 2>/dev/null) || fail 1 "$output: can't be written"
    else
        unfinished=$output.part
    fi
    run tar -C "$work" --owner=root:0 --group=root:0 --force-local -cf "$unfinished" moobacker-kit ||
        fail 1 "$output: can't be written"
    run sync -- "$unfinished"
}

# prove FILE: checks that the kit is complete and opens, and that its key decrypts.
prove() {
    proof=$work/proof/moobacker-kit
    run tar -C "$work/proof" --force-local -xf "$1" 2>/dev/null || fail 5 "$1: damaged, or not a recovery kit"
    # shellcheck disable=SC2016 # for the inner shell
    run sh -c 'cd "$1" && sha256sum --status -c SHA256SUMS' sh "$proof" 2>/dev/null ||
        fail 5 "$1: damaged, or not a recovery kit"
    ask 'the passphrase of the kit, to prove that it opens'
    gpg_locked -o "$work/proof/secrets.tar" -d "$proof/secrets.tar.gpg" 2>"$work/log" ||
        fail 6 "$1: wrong passphrase"
    run tar -C "$work/proof" -xf "$work/proof/secrets.tar"
    run gpg --homedir "$work/home" --batch -q --import "$proof/backup.cert.pgp" 2>/dev/null
    run gpg --homedir "$work/proof/home" --batch -q --import \
        "$work/proof/secrets/backup.secret.pgp" 2>/dev/null ||
        fail 6 "$1: its secret key can't be read"
    decrypts "$1"
}

# decrypts FILE: the trial. A key that has a passphrase of its own is tried with the kit's, or
# with what the user answers.
decrypts() {
    fingerprint=${fingerprint:-$(fingerprint_of "$work/proof/moobacker-kit/backup.cert.pgp")}
    run gpg --homedir "$work/home" --batch -q --trust-model always -r "$fingerprint" \
        -o "$work/trial" -e "$here/rescue.sh" 2>"$work/log" ||
        fail 6 "$fingerprint: can't be encrypted to: $(last_line "$work/log")"
    set -- "$1" gpg --homedir "$work/proof/home" -q --pinentry-mode loopback
    [ -z "$key_passphrase" ] || set -- "$@" --batch --passphrase-file "$work/key-passphrase"
    if is_locked "$work/proof/secrets/backup.secret.pgp"; then ask 'the passphrase of the secret key'; fi
    file=$1 && shift
    run "$@" -o "$work/decrypted" -d "$work/trial" 2>"$work/log" ||
        fail 6 "$file: its secret key does not decrypt: $(last_line "$work/log")"
}

# deliver: the kit gets its name, and overwrites nothing.
deliver() {
    run mv -nT -- "$unfinished" "$output" || :
    [ -n "$dry_run" ] || [ ! -e "$unfinished" ] || fail 1 "$output: already exists"
    unfinished=''
}

if [ -n "$check" ]; then
    # --check changes nothing, so --dry-run has no meaning.
    dry_run=''
    [ -f "$output" ] || fail 2 "$output: no such file"
    workplace && passphrases && prove "$output"
    exit
fi
if [ -e "$output" ] || [ -h "$output" ]; then fail 1 "$output: already exists"; fi
config=${config:-$(conf_default)}
conf_read "$config"
store=${of:-$store}
[ -n "$(conf_stored)" ] || fail 2 "--store: $store: no source is backed up to such a store"
caller_home=${GNUPGHOME:-$HOME/.gnupg}
if [ -z "$owner" ] && [ "$(id -u)" = 0 ] && getent passwd moobacker >/dev/null; then owner=moobacker; fi
workplace
passphrases
[ "${owner:-$(id -un)}" = "$(id -un)" ] || become "$owner"
gather_key
gather_store
gather_rest
lock
pack
prove "$unfinished"
deliver
