#!/bin/sh
# moo drill: whether a few files of a backup, chosen at random, come back.
set -eu
self='moo drill'

usage() {
    cat <<'TEXT'
usage: moo drill [options] URL [SOURCE]

Restores a few files of the backup in the store at URL, chosen at random, into a temporary folder,
compares each with the hash that it had when it was backed up, and removes them. With SOURCE, each
is also compared with the file there, if that has the same size and time still. For a job that runs
now and then: it needs what a restore needs, and takes little time.

  --files N                 how many files (5); none of more than 64 MiB is chosen
  -t, --time TIME           the state at this time: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z ...
TEXT
    decrypting_help
    cat <<'TEXT'

Nothing is printed when all of them come back. A file that is another one in SOURCE is a line. The
exit status is that of a restore, or 3 where SOURCE differs.
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
