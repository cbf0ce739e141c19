# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the commands that list what is in backups.
# Sourced with $here set to the folder above.

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

# read_listing COMMAND [WORD...]: reads the call. Sets $archive to the archive directory to list.
read_listing() {
    read_pipe "$@"
    read_passphrase
    find_archive "$url"
    has_sets "$archive" || fetch_archive
}
