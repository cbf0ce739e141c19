#!/bin/sh
# moo list: the files of a backup.
set -eu
self='moo list'

usage() {
    cat <<'TEXT'
usage: moo list [options] URL [PATH...]

Lists the files of a backup in the store at URL: all of them, or the PATHs with all that is below
them, relative to the source. The archive of the store tells; where there is none on this machine,
one is fetched for the time being, which needs the secret key.

  -t, --time TIME           the state at this time: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z ...
  --changes TIME TIME       what differs between the states at two times
  --versions PATH           all states of one file or directory
  --random N                of the files only N, chosen at random, and none of more than 64 MiB
  --json                    a line of JSON for each
  -0, --null                paths alone, as they are, each ended by NUL
TEXT
    decrypting_help
    cat <<'TEXT'

The exit status is 10 where there is no such backup, or a PATH is not in it.
TEXT
}

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

# fetch_archive URL: makes an archive of what the store has, which goes when this script does.
# Sets $archive.
fetch_archive() {
    fetch="$fetch --metadata"
    read_from "$1"
    make_archive
    archive=$temporary
    fill_archive
    has_sets "$archive" || fail 10 "$1: there is no backup"
}

list=''
own_option() {
    case $2 in
        -t | --time | --versions | --random)
            needs_value "$@" && list="$list $2 $(quoted "$3")"
            ;;
        --changes)
            [ "$1" -ge 3 ] || fail 2 "$2: needs two times (see --help)"
            list="$list $2 $(quoted "$3") $(quoted "$4")" taken=3
            ;;
        --json | -0 | --null) list="$list $2" ;;
        *) decrypting_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -ge 1 ] || fail 2 'a url is needed (see --help)'
check_common
url=$1 && shift
# With ./ before it, no path can be taken for a url.
paths=''
for path; do paths="$paths $(quoted "./$path")"; done
archive=$(known_archive "$url")
has_sets "$archive" || fetch_archive "$url"
eval "moo-list $all --archive \"\$archive\" $list -- $paths"
