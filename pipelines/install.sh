#!/bin/sh
# install.sh: installs the programs, the pipelines, the manual, completions and units for all users.
set -eu
self='install.sh'

usage() {
    cat <<'TEXT'
usage: install.sh [--dry-run] [PREFIX]
       install.sh --destdir FOLDER [--programs FOLDER] [--lists FOLDER] PREFIX

Install what `cargo build --release --workspace` has built below PREFIX (/usr/local), owned by
root and writable by nobody else:

  PREFIX/lib/moobacker        programs (hard links to one file) and pipelines
  PREFIX/bin                  links to moo and all programs
  PREFIX/share/man            the manual
  PREFIX/share                completions for bash, zsh and fish
  PREFIX/lib/systemd/system   units, none of them enabled

  --destdir FOLDER    put all of it below FOLDER, owned by the caller, to make a package of it
  --programs FOLDER   take the programs, one file, from FOLDER (target/release)
  --lists FOLDER      run the program in FOLDER for the list of programs and completions, where the installed
                      ones are for another architecture
  --dry-run           print the commands without running them

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

destdir='' built='' lists=''
own_option() {
    case $2 in
        --destdir) needs_value "$@" && destdir=$3 ;;
        --programs) needs_value "$@" && built=$3 ;;
        --lists) needs_value "$@" && lists=$3 ;;
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
built=${built:-$checkout/target/release}
[ -x "$built/moobacker" ] || fail 1 "$built: has no programs: run cargo build --release --workspace"
[ -n "$destdir$dry_run" ] || [ "$(id -u)" = 0 ] || fail 1 'run as root: only root can install'
lists=${lists:-$built}
programs=$("$lists/moobacker" --list)
to=$destdir$prefix lib=$destdir$prefix/lib/moobacker

# backup.sh is going to be run by root, so root must be the only one who can change it.
check_prefix() {
    for folder in '' /commands /admin /shared; do only_root_writes "$lib$folder"; done
    only_root_writes "$to/bin"
    for name in moo $programs; do
        at=$to/bin/$name
        if [ -L "$at" ] || [ -e "$at" ]; then
            [ "$(readlink -- "$at")" = "../lib/moobacker/$name" ] || fail 1 "$at: exists and is not ours"
        fi
    done
}

# copy MODE FOLDER FILE…: whatever user built them, the copies are root's.
copy() {
    mode=$1 folder=$2 && shift 2
    if [ -n "$destdir" ]; then
        step install -m "$mode" -t "$folder" -- "$@"
    else
        step install -m "$mode" -o root -g root -t "$folder" -- "$@"
    fi
}

# install_programs: one file with all of their names. By symbolic links a program could not find the others,
# which it does by the path that the kernel knows it by.
install_programs() {
    copy 755 "$lib" "$built/moobacker"
    for name in $programs; do step ln -f "$lib/moobacker" "$lib/$name"; done
    step rm "$lib/moobacker"
}

# scripts FOLDER: the paths of the scripts that are run. parts FOLDER: those of what they read. One a line.
scripts() { find "$1" -maxdepth 1 -type f -perm -u+x ! -name demo.sh ! -name install.sh; }
parts() { find "$1" -maxdepth 1 -type f ! -perm -u+x \( -name '*.sh' -o -name '*.awk' \); }

# install_folder [NAME]: the scripts of the folder of that name, or those above all folders.
# shellcheck disable=SC2046 # a line is a word
install_folder() {
    from=$here${1:+/$1} into=$lib${1:+/$1}
    step mkdir -p "$into"
    [ -z "$(scripts "$from")" ] || copy 755 "$into" $(scripts "$from" | sort)
    [ -z "$(parts "$from")" ] || copy 644 "$into" $(parts "$from" | sort)
}

# link NAME…: in bin, to what is in lib/moobacker.
link() {
    for name; do step ln -sfn "../lib/moobacker/$name" "$to/bin/$name"; done
}

# install_units: those of systemd, which name the scripts by their paths.
install_units() {
    step mkdir -p "$to/lib/systemd/system"
    for unit in "$here"/units/*; do
        copy 644 "$to/lib/systemd/system" "$unit"
        [ "$prefix" = /usr ] ||
            step sed -i "s|/usr/lib/moobacker/|$prefix/lib/moobacker/|" "$to/lib/systemd/system/${unit##*/}"
    done
}

# remove_old: versions before 0.2 had all scripts in one folder, and called pages after them.
remove_old() {
    for file in "$here"/commands/* "$here"/admin/* "$here"/shared/* moo-backup moo-restore; do
        old=$lib/${file##*/}
        case $old in */backup.sh) continue ;; esac
        [ ! -f "$old" ] || step rm -f "$old"
    done
    for file in "$here"/commands/*.sh "$here"/admin/*.sh; do
        old=$to/share/man/man1/${file##*/}.1
        case $old in */backup.sh.1) continue ;; esac
        [ ! -f "$old" ] || step rm -f "$old"
    done
}

umask 022
IFS='
'
[ -n "$destdir" ] || check_prefix
step mkdir -p "$to/bin" "$lib"
set -f
install_programs
install_folder
for folder in commands admin shared; do install_folder "$folder"; done
set +f
remove_old
# shellcheck disable=SC2086 # a line is a word
link moo $programs
for section in "$checkout"/man/man[1-9]; do
    target=$to/share/man/${section##*/}
    step mkdir -p "$target"
    copy 644 "$target" "$section"/*.[1-9]
done
step "$lists/moobacker" --completions "$to/share"
install_units
