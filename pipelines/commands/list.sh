#!/bin/sh
# moo list: lists the files of a backup.
set -eu
self='moo list'

usage() {
    cat <<'TEXT'
usage: moo list [options] URL [PATH...]

List the files of a backup in the store at URL: all files, or each PATH and everything below it,
relative to the source. The list comes from the archive directory. If this machine has none, a
temporary one is fetched; this needs the secret key.

  -t, --time TIME           list the state at TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z ...
  --changes TIME TIME       list the differences of the states at two times
  --versions PATH           list all versions of the file or directory PATH
  --random N                list only N random files, none of them larger than 64 MiB
  --json                    print one line of JSON per file
  -0, --null                print only paths, unescaped, each followed by NUL
TEXT
    decrypting_help
    cat <<'TEXT'

The exit status is 10 if there is no such backup, or it does not contain a PATH.

Examples:
  moo list file:///srv/backup
  moo list --changes 1D now file:///srv/backup
  moo list --versions ssh/sshd_config file:///srv/backup
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
