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

  -t, --time TIME          the state at this time: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z ...
  --changes TIME TIME      what differs between the states at two times
  --versions PATH          all states of one file or directory
  --random N               of the files only N, chosen at random, and none of more than 64 MiB
  --json                   a line of JSON for each
  -0, --null               paths alone, as they are, each ended by NUL
  --secret-key FILE        decrypt with the secret key in FILE instead of those in GnuPG
  --sign-key KEY           demand that each file is signed, inside its message, by KEY
  --seal-key KEY           demand that the seal of each set is signed by KEY
  --allow-unprotected      read messages without integrity protection too
  --passphrase-file FILE   take the passphrase from the first line of FILE, not from PASSPHRASE
  --passphrase-fd N        take it from this file descriptor
  -o, --ssh-option K=VALUE a setting of SSH, as ssh's own -o; may be given more than once
  --ssh-config FILE        settings of SSH instead of those in ~/.ssh/config
  --num-retries N          how often to try when the store is out of reach (5)
  --timeout SECONDS        how long to wait for its answer (30)
  --bwlimit KIB            the most that goes through the network, in KiB a second
  --archive-dir DIR        where archives are ($XDG_STATE_HOME/moobacker)
  --name NAME              the archive's name there (the MD5 of URL)
  -v, --verbosity LEVEL    error, warning, notice, info, debug, or 0 to 9

The exit status is 10 where there is no such backup, or a PATH is not in it.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=options.sh
. "$here/options.sh"
# shellcheck source-path=SCRIPTDIR source=pipe.sh
. "$here/pipe.sh"
# shellcheck source-path=SCRIPTDIR source=reading.sh
. "$here/reading.sh"

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
    fetch=' --metadata'
    read_from "$1"
    temporary=$(mktemp -d "${TMPDIR:-/tmp}/moo-list.XXXXXX")
    trap 'rm -rf -- "$temporary"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    archive=$temporary
    eval "$state | moo-upload $all -- \"file://\$archive\" | moo-commit $all"
    has_sets "$archive" || fail 10 "$1: there is no backup"
}

list=''
while [ $# -gt 0 ]; do
    option=$1
    case $option in
        --?*=*)
            # --option=value is --option value.
            value=${option#*=} && option=${option%%=*} && shift
            set -- "$option" "$value" "$@"
            ;;
    esac
    case $option in
        -t | --time | --versions | --random)
            needs_value "$option" $#
            list="$list $option $(quoted "$2")"
            shift
            ;;
        --changes)
            [ $# -ge 3 ] || fail 2 "$option: needs two times (see --help)"
            list="$list $option $(quoted "$2") $(quoted "$3")"
            shift 2
            ;;
        --json | -0 | --null) list="$list $option" ;;
        -h | --help) usage && exit 0 ;;
        --) shift && break ;;
        *) decrypting_option $# "$@" && shift "$((taken - 1))" ;;
    esac
    shift
done
eval "set -- $words \"\$@\""
[ $# -ge 1 ] || fail 2 'a url is needed (see --help)'
check_common "$all"
url=$1 && shift
# With ./ before it, no path can be taken for a url.
paths=''
for path; do paths="$paths $(quoted "./$path")"; done
archive=$(archive_of "$url")
has_sets "$archive" || fetch_archive "$url"
eval "moo-list $all --archive \"\$archive\" $list -- $paths"
