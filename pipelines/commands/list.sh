#!/bin/sh
# moo list: lists the files of a backup.
# shellcheck disable=SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo list'

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# has_sets FOLDER: it is the archive of something.
has_sets() {
    for manifest in "$1"/duplicity-*.manifest; do
        [ ! -f "$manifest" ] || return 0
    done
    return 1
}

# fetch_archive: makes an archive of what the store has, which goes when this script does. Sets $archive.
fetch_archive() {
    read_from "$url"
    make_archive
    archive=$temporary
    fill_archive --metadata
    has_sets "$archive" || fail 10 "$url: there is no backup"
}

read_pipe list "$@"
read_passphrase
find_archive "$url"
has_sets "$archive" || fetch_archive
(list --archive "$archive")
