#!/bin/sh
# moo prune: removes old sets from a store and its archive.
set -eu
self='moo prune'

usage() {
    cat <<'TEXT'
usage: moo prune [options] URL

Lists which sets of the store at URL would go by the rules, and why the others stay. With --force
they go. A set that another one builds on stays with it, and so does the newest whole chain.

  --older-than TIME        chains whose sets are all older go: an age such as 6M, or a time
  --keep-full N            keep the chains of the newest N full sets, and all that is newer
  --keep-inc-of-full N     of chains that stay, keep increments only for the newest N full sets
  --keep-daily N           keep the chain of the newest state of each of the last N days
  --keep-weekly N          the same for weeks
  --keep-monthly N         the same for months
  --force                  remove what goes, and print nothing
  -o, --ssh-option K=VALUE a setting of SSH, as ssh's own -o; may be given more than once
  --ssh-config FILE        settings of SSH instead of those in ~/.ssh/config
  --num-retries N          how often to try when the store is out of reach (5)
  --timeout SECONDS        how long to wait for its answer (30)
  --bwlimit KIB            the most that goes through the network, in KiB a second
  --archive-dir DIR        where archives are ($XDG_STATE_HOME/moobacker)
  --name NAME              the archive's name there (the MD5 of URL)
  -v, --verbosity LEVEL    error, warning, notice, info, debug, or 0 to 9

Several rules keep together what any of them keeps. The exit status is 7 where the store lets
nothing be removed, and 9 while another run holds the archive.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=options.sh
. "$here/options.sh"
# shellcheck source-path=SCRIPTDIR source=pipe.sh
. "$here/pipe.sh"

prune='' rules=''
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
        --older-than | --keep-full | --keep-inc-of-full | --keep-daily | --keep-weekly | \
            --keep-monthly)
            needs_value "$option" $#
            rules="$rules $option $(quoted "$2")"
            shift
            ;;
        --force) prune="$prune $option" ;;
        -h | --help) usage && exit 0 ;;
        --) shift && break ;;
        *) shared_option $# "$@" && shift "$((taken - 1))" ;;
    esac
    shift
done
eval "set -- $words \"\$@\""
[ $# -eq 1 ] || fail 2 'a url is needed (see --help)'
[ -n "$rules" ] || fail 2 'a rule is needed, such as --older-than 6M (see --help)'
archive=$(archive_of "$1")
[ ! -d "$archive" ] || prune="$prune --archive $(quoted "$archive")"
eval "exec moo-prune $all $reach $rules $prune -- \"\$1\""
