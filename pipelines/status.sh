#!/bin/sh
# moo status: what a store holds, and whether it is what it should be.
set -eu
self='moo status'

usage() {
    cat <<'TEXT'
usage: moo status [options] URL

Lists the sets in the store at URL, what is wrong with them, and how old the last good one is. It
needs no key. Where the archive of the store is at hand, it knows which files there should be.

  --max-age AGE            fail if the last good set is older than AGE, such as 26h or 2D; print
                           nothing when all is well
  --json                   one JSON object
  -o, --ssh-option K=VALUE a setting of SSH, as ssh's own -o; may be given more than once
  --ssh-config FILE        settings of SSH instead of those in ~/.ssh/config
  --num-retries N          how often to try when the store is out of reach (5)
  --timeout SECONDS        how long to wait for its answer (30)
  --bwlimit KIB            the most that goes through the network, in KiB a second
  --archive-dir DIR        where archives are ($XDG_STATE_HOME/moobacker)
  --name NAME              the archive's name there (the MD5 of URL); none is needed
  -v, --verbosity LEVEL    error, warning, notice, info, debug, or 0 to 9

The exit status is 0 when all is well, 3 when the last good set is older than --max-age, 5 when
something is missing, 10 when there is no backup; then one line on standard error says what it is.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=options.sh
. "$here/options.sh"
# shellcheck source-path=SCRIPTDIR source=pipe.sh
. "$here/pipe.sh"

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
        --max-age)
            needs_value "$option" $#
            list="$list --max-age $(quoted "$2")"
            shift
            ;;
        --json) list="$list $option" ;;
        -h | --help) usage && exit 0 ;;
        --) shift && break ;;
        *) shared_option $# "$@" && shift "$((taken - 1))" ;;
    esac
    shift
done
eval "set -- $words \"\$@\""
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
case $1 in *://*) ;; *) fail 2 "$1: not a url (such as file:///srv/backup or sftp://user@host/backup)" ;; esac
archive=$(archive_of "$1")
[ ! -d "$archive" ] || list="$list --archive $(quoted "$archive")"
eval "exec moo-list $all $reach $list -- \"\$1\""
