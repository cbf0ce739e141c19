#!/bin/sh
# moo restore: one state of one backup, through the pipe.
set -eu
self='moo restore'

usage() {
    cat <<'TEXT'
usage: moo restore [options] URL DEST

Restore a backup from the store at URL to DEST, which must be new or an empty directory unless
--merge or --delete is given. A single file goes into DEST if that is a directory. All files are
written beside DEST and verified first, then moved to DEST.

  -t, --time TIME           restore the state at TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z …
  -r, --path PATH           restore only PATH, relative to the source; it becomes DEST
  --merge                   restore into an existing DEST: replace files that are in the backup,
                            and keep all others
  --delete                  restore into an existing DEST, and delete files that are not in the
                            backup
  --force                   restore into an existing DEST, as --merge does (duplicity's name)
  --keep-going              continue after damage in the store: restore intact files, name the
                            others
  --numeric-owner           restore owners by number, even if this machine knows their names
  --no-restore-ownership    do not restore owners: all files belong to the calling user
TEXT
    decrypting_help
    cat <<'TEXT'

A successful restore prints nothing. Run it as root to restore file owners. For other users, a
warning lists what could not be restored; the exit status is 3. With --keep-going, it is 5 if
anything is lost.

Examples:
  moo restore --secret-key ~/backup.secret.pgp --time 3D file:///srv/backup /tmp/etc
  moo restore --secret-key ~/backup.secret.pgp --path hosts file:///srv/backup /tmp/hosts
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
