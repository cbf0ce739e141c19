#!/bin/sh
# moo drill: restores a few random files of a backup and checks them.
set -eu
self='moo drill'

usage() {
    cat <<'TEXT'
usage: moo drill [options] URL [SOURCE]

Restore a few random files of the backup in the store at URL to a temporary folder, compare each
with its hash at the time of the backup, and delete them. With SOURCE, also compare each with the
file there, if that still has the same size and time. A drill needs what a restore needs and takes
little time, so run it regularly.

  --files N                 restore N files (5), none of them larger than 64 MiB
  -t, --time TIME           use the state at TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z ...
TEXT
    decrypting_help
    cat <<'TEXT'

If all files are restored, nothing is printed. A file that differs in SOURCE is printed. The exit
status is that of a restore, or 3 if SOURCE differs.

Examples:
  moo drill file:///srv/backup
  moo drill --files 20 --secret-key ~/backup.secret.pgp file:///srv/backup /etc
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# choose URL: some paths of the backup, and last the status of the choice, as quoted words.
choose() {
    {
        status=0
        eval "\"\$here/commands/list.sh\" $list --random \"\$files\" --null -- \"\$1\"" || status=$?
        printf '%s\0' "$status"
    } | quoted_words
}

# quoted_words: the words that end with NUL on standard input, in one line of the shell.
quoted_words() {
    # shellcheck disable=SC2016 # for the inner shell
    xargs -0 -n 1 sh -c '. "$0/shared/options.sh" && printf "%s " "$(quoted "$1")"' "$here"
}

# drill PATH... STATUS: restores each, and leaves nothing. The last status that is not 0 counts, but
# that SOURCE differs only where there is nothing worse.
drill() {
    for last; do worst=$last; done
    # shellcheck disable=SC2154 # there is one word at least
    while [ $# -gt 1 ]; do
        # shellcheck disable=SC2034 # in the text that is evaluated
        path=$1 && shift && status=0
        try || status=$?
        # What is not of this file would be told again for each.
        case $status in 0 | 3 | 5) ;; *) return "$status" ;; esac
        case $worst-$status in *-0) ;; *-[!3]* | 0-3) worst=$status ;; esac
    done
    return "$worst"
}

# try: restores $path. What is no file in the source any more, or not to be read, is not compared.
try() {
    now=$source
    [ "$path" = . ] || now=$source/$path
    if [ -z "$source" ] || [ ! -f "$now" ] || [ -L "$now" ] || [ ! -r "$now" ]; then
        eval "{ $state; } </dev/null | moo-patch $all --check"
        return
    fi
    eval "moo-scan $all -- \"\$now\" | { { $state; } </dev/null 9<&- |
        moo-compare $all --unchanged /dev/fd/9; } 9<&0"
}

list='' files=5
own_option() {
    case $2 in
        --files)
            needs_value "$@" && files=$3
            case $files in '' | *[!0-9]*) fail 2 "--files: $files: not a number" ;; esac
            return
            ;;
        --passphrase-fd) decrypting_option "$@" && return ;;
        *) time_option "$@" || decrypting_option "$@" ;;
    esac
    # To choose takes the same options.
    list="$list $(quoted "$2")"
    [ "$taken" = 1 ] || list="$list $(quoted "$3")"
}

read_options "$@"
eval "set -- $words"
case $# in 1 | 2) ;; *) fail 2 'a url is needed, and perhaps a source (see --help)' ;; esac
source=${2-}
[ $# = 1 ] || [ -e "$source" ] || fail 2 "$source: no such source"
check_common
# shellcheck disable=SC2031 # set above, or in the environment
[ -z "${PASSPHRASE+set}" ] || export PASSPHRASE
chosen=$(choose "$1")
# shellcheck disable=SC2016 # to be evaluated later
part=" --path \"\$path\""
read_from "$1"
eval "drill $chosen"
