#!/bin/sh
# moo mount: all states of one backup as a read-only file system.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo mount'

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/listing.sh
. "$here/shared/listing.sh"

# answer: each line that it reads has the time of a state, and the files of its sets that moo-mount wants.
# They go to the named pipe of replies; what fails is reported by moo-mount.
answer() {
    level=''
    # The words are no globs.
    set -f
    while read -r time wanted; do
        # shellcheck disable=SC2086 # one word for each file
        set -- $wanted
        for file; do
            set -- "$@" "--volume=$file"
            shift
        done
        (files ${present_archive:+"--archive=$present_archive"} ${level:+"$level"} "--time=$time" "$@") \
            >"$pipes/reply" || :
        # What is odd in the store has been reported once.
        level=--verbosity=error
    done
}

# copy_archive: root reads no file that the user could replace, so it gets a copy of its own.
# The user packs it, and sees no more than the user may; of what comes, only plain files stay.
copy_archive() {
    mkdir -- "$pipes/archive"
    (as_user tar -C "$archive" --dereference --ignore-failed-read -cf - . 2>/dev/null) |
        tar -C "$pipes/archive" --no-same-owner --no-same-permissions -xf - 2>/dev/null ||
        fail 1 "$archive: can't be read by $user"
    find "$pipes/archive" -mindepth 1 -maxdepth 1 ! -type f -exec rm -rf -- {} +
    archive=$pipes/archive
}

read_pipe mount "$@"
read_passphrase
read_from "$url"
has_sets "$archive" || fetch_archive
folder=${TMPDIR:-/tmp}
[ -z "$user" ] || { folder=${MOO_SCRATCH:-/tmp/-} && folder=${folder%/*}; }
pipes=$(mktemp -d "$folder/moo-mount.XXXXXX")
trap 'rm -rf -- "$pipes"; [ -z "${temporary-}" ] || (as_user rm -rf -- "$temporary")' EXIT
[ -z "$user" ] || copy_archive
mkfifo -- "$pipes/requests" "$pipes/reply" "$pipes/alive"
answer >"$pipes/alive" <"$pipes/requests" &
status=0
(mount --archive "$archive" --volumes "$pipes" -- "$destination") <"$pipes/alive" || status=$?
kill "$!" 2>/dev/null || :
exit "$status"
