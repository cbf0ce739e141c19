#!/bin/sh
# moo restore: one state of one backup, through the pipe.
set -eu
self='moo restore'

usage() {
    cat <<'TEXT'
usage: moo restore [options] URL DEST

Restore a backup from the store at URL to DEST, which must be new or an empty directory unless --merge
or --delete is given. A single file that is restored to an existing directory goes into it. All files
are written beside DEST and checked first, then moved to DEST.

  -t, --time TIME           the state at this time: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z …
  -r, --path PATH           only this file or directory, relative to the source; it becomes DEST
  --merge                   restore into an existing DEST: files of the backup replace those of the
                            same path, all others stay
  --delete                  restore into an existing DEST, and delete what the backup does not have
  --force                   the same as --merge, as duplicity has it
  --keep-going              past damage at the store: bring back what is whole, name what is not
  --numeric-owner           give owners by number, whatever names this machine has for them
  --no-restore-ownership    leave owners as they come: those of who calls this
TEXT
    decrypting_help
    cat <<'TEXT'

A good restore prints nothing. The exit status is 3 where something could not be given back as it
was, since only root can; with --keep-going it is 5 where anything is lost.
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

patch=''
own_option() {
    case $2 in
        --merge | --force | --delete | --numeric-owner | --no-restore-ownership | --do-not-restore-ownership)
            patch="$patch $2"
            ;;
        --keep-going) keep_going=$2 ;;
        *) time_option "$@" || path_option "$@" || decrypting_option "$@" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -eq 2 ] || fail 2 'a url and a destination are needed (see --help)'
check_common
read_from "$1"
dest=$(quoted "$2")
eval "$state | moo-patch $all $keep_going $patch --store \"\$url\" -- $dest"
