# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of the commands that list what is in backups.
# Sourced with $here set to the folder above.

# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# has_sets FOLDER: it is the archive of something.
has_sets() {
    # Its manifests may lie in a folder of duplicity's, with prefixes.
    [ ! -f "$1/prefixes" ] || return 0
    for manifest in "$1"/duplicity-*.manifest; do
        [ ! -f "$manifest" ] || return 0
    done
    return 1
}

# Not empty if sets of the store do not count: 3.
shortfall=''

# fetch_archive: makes an archive of what the store has, which goes when this script does. Sets $archive.
fetch_archive() {
    read_from "$url"
    make_archive
    archive=$temporary
    fill_archive --metadata || shortfall=$?
    [ "${shortfall:-3}" = 3 ] || exit "$shortfall"
    has_sets "$archive" || fail 10 "$shown_url: there is no backup"
}

# show OPTION...: lists from the archive directory. Returns 3 if it was fetched, and sets of the store do not
# count.
show() {
    (list --archive "$archive" "$@")
    return "${shortfall:-0}"
}

# read_listing COMMAND [WORD...]: reads the call. Sets $archive to the archive directory to list.
read_listing() {
    read_pipe "$@"
    read_passphrase
    find_archive "$url"
    has_sets "$archive" || fetch_archive
}
