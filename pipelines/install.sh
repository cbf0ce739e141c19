#!/bin/sh
# install.sh: installs the programs, the pipelines and the manual for all users.
set -eu
self='install.sh'

usage() {
    cat <<'TEXT'
usage: install.sh [--dry-run] [PREFIX]

Install what `cargo build --release --workspace` has built below PREFIX (/usr/local), owned by
root and writable by nobody else:

  PREFIX/lib/moobacker   programs and pipelines
  PREFIX/bin/moo         the command
  PREFIX/share/man       the manual

  --dry-run   print the commands without running them

A successful run prints nothing. Run it again to upgrade: it replaces the installed files.

Examples:
  sudo pipelines/install.sh
  pipelines/install.sh --dry-run /opt/moobacker
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=shared/steps.sh
. "$here/shared/steps.sh"

own_option() {
    case $2 in
        --dry-run) dry_run=yes ;;
        *) no_such_option "$2" ;;
    esac
}

read_options "$@"
eval "set -- $words"
[ $# -le 1 ] || fail 2 "$2: one prefix is enough"
prefix=${1-/usr/local}
case $prefix in /*) ;; *) fail 2 "$prefix: an absolute path is needed" ;; esac
prefix=$(readlink -m -- "$prefix")
checkout=${here%/*}
built=$checkout/target/release
[ -x "$built/moo-scan" ] || fail 1 'no programs: run cargo build --release --workspace'
[ -n "$dry_run" ] || [ "$(id -u)" = 0 ] || fail 1 'run as root: only root can install'

# backup.sh is going to be run by root, so root must be the only one who can change it.
for folder in '' /commands /admin /shared; do only_root_writes "$prefix/lib/moobacker$folder"; done
only_root_writes "$prefix/bin"
if [ -e "$prefix/bin/moo" ] && [ "$(readlink -- "$prefix/bin/moo")" != ../lib/moobacker/moo ]; then
    fail 1 "$prefix/bin/moo: exists and is not ours"
fi

# copy MODE FOLDER FILE…: whatever user built them, the copies are root's.
copy() {
    mode=$1 folder=$2 && shift 2
    step install -m "$mode" -o root -g root -t "$folder" -- "$@"
}

# programs: the paths of the programs. scripts FOLDER: those of the scripts that are run. parts FOLDER:
# those of what they read. One a line.
programs() { find "$built/" -maxdepth 1 -name 'moo-*' ! -name '*.d' -type f -perm -u+x; }
scripts() { find "$1" -maxdepth 1 -type f -perm -u+x ! -name demo.sh ! -name install.sh; }
parts() { find "$1" -maxdepth 1 -type f ! -perm -u+x \( -name '*.sh' -o -name '*.awk' \); }

# install_folder [NAME]: the scripts of the folder of that name, or those above all folders.
# shellcheck disable=SC2046 # a line is a word
install_folder() {
    from=$here${1:+/$1} to=$prefix/lib/moobacker${1:+/$1}
    step mkdir -p "$to"
    [ -z "$(scripts "$from")" ] || copy 755 "$to" $(scripts "$from" | sort)
    [ -z "$(parts "$from")" ] || copy 644 "$to" $(parts "$from" | sort)
}

# remove_old: versions before 0.2 had all scripts in one folder, and called pages after them.
remove_old() {
    for file in "$here"/commands/* "$here"/admin/* "$here"/shared/* moo-backup moo-restore; do
        old=$prefix/lib/moobacker/${file##*/}
        case $old in */backup.sh) continue ;; esac
        [ ! -f "$old" ] || step rm -f "$old"
    done
    for file in "$here"/commands/*.sh "$here"/admin/*.sh; do
        old=$prefix/share/man/man1/${file##*/}.1
        case $old in */backup.sh.1) continue ;; esac
        [ ! -f "$old" ] || step rm -f "$old"
    done
}

umask 022
step mkdir -p "$prefix/bin" "$prefix/lib/moobacker"
IFS='
'
set -f
# shellcheck disable=SC2046 # a line is a word
copy 755 "$prefix/lib/moobacker" $(programs | sort)
install_folder
for folder in commands admin shared; do install_folder "$folder"; done
set +f
remove_old
step ln -sfn ../lib/moobacker/moo "$prefix/bin/moo"
for section in "$checkout"/man/man[1-9]; do
    target=$prefix/share/man/${section##*/}
    step mkdir -p "$target"
    copy 644 "$target" "$section"/*.[1-9]
done
