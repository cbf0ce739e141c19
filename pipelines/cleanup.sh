#!/bin/sh
# moo cleanup: removes from a store and its archive what is of no use to anybody.
set -eu
self='moo cleanup'

usage() {
    cat <<'TEXT'
usage: moo cleanup [options] URL

Lists what is of no use in the store at URL and in its archive: temporary files, sets that are not
complete or belong to no chain, seals without a set, and what interrupted runs have left. With
--force it goes. What is damaged rather than left, and what is not ours, is named and stays.

  --force                  remove what goes, and print nothing
  -o, --ssh-option K=VALUE a setting of SSH, as ssh's own -o; may be given more than once
  --ssh-config FILE        settings of SSH instead of those in ~/.ssh/config
  --num-retries N          how often to try when the store is out of reach (5)
  --timeout SECONDS        how long to wait for its answer (30)
  --bwlimit KIB            the most that goes through the network, in KiB a second
  --archive-dir DIR        where archives are ($XDG_STATE_HOME/moobacker)
  --name NAME              the archive's name there (the MD5 of URL)
  -v, --verbosity LEVEL    error, warning, notice, info, debug, or 0 to 9

The exit status is 7 where the store lets nothing be removed, and 9 while a run holds the archive.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=options.sh
. "$here/options.sh"
# shellcheck source-path=SCRIPTDIR source=pipe.sh
. "$here/pipe.sh"

prune=''
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
        --force) prune="$prune $option" ;;
        -h | --help) usage && exit 0 ;;
        --) shift && break ;;
        *) shared_option $# "$@" && shift "$((taken - 1))" ;;
    esac
    shift
done
eval "set -- $words \"\$@\""
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
archive=$(archive_of "$1")
[ ! -d "$archive" ] || prune="$prune --archive $(quoted "$archive")"
eval "exec moo-prune $all $reach --leftovers $prune -- \"\$1\""
