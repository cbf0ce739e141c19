#!/bin/sh
# moo rekey: copies a store and encrypts it to other keys.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo rekey'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/copying.sh
. "$here/shared/copying.sh"

read_pipe rekey "$@"
read_passphrase
# moo-encrypt has a passphrase of its own.
unset new_passphrase
[ -z "${rekey_passphrase+set}" ] || new_passphrase=$rekey_passphrase
two_stores
[ -n "$encrypts${new_passphrase-}" ] ||
    fail 6 'nothing to encrypt to (give --encrypt-key, --new-passphrase-file or --no-encryption)'
know receipts "$target"
read_from "$url"
state --all --known "$known" | encrypt | upload -- "$target" | commit
