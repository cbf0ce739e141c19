#!/bin/sh
# moo drill: restores a few random files of a backup and checks them.
# shellcheck disable=SC2119,SC2154 # read_pipe sets the variables and defines the stages
set -eu
self='moo drill'

here=$(CDPATH='' cd -P -- "${0%/*}/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/reading.sh
. "$here/shared/reading.sh"

# choose: some paths of the backup, and last the status of the choice, as quoted words.
choose() {
    {
        status=0
        (moo_list --random "${files:-5}" --null -- "$url") || status=$?
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
    while [ $# -gt 1 ]; do
        path=$1 && shift && status=0
        try || status=$?
        # Another failure would be the same for each file.
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
        { state; } </dev/null | patch --check
        return
    fi
    { unset MOO_PROGRESS && scan -- "$now"; } | { { state; } </dev/null 9<&- | compare --unchanged /dev/fd/9; } 9<&0
}

read_pipe drill "$@"
read_passphrase
[ -z "$source" ] || [ -e "$source" ] || fail 2 "$source: no such source"
# Before several processes would ask.
ask_passphrase
chosen=$(choose)
eval "set -- $chosen"
# No path, and why there is none has been said.
[ $# -gt 1 ] || exit "$1"
# Each has its turn. Until then this one stands for them.
path=.
read_from "$url"
eval "drill $chosen"
