# shellcheck shell=sh
# shellcheck disable=SC2034 # for those who source this file
# What the pipes share: the options that all of them have, and where the archive of a store is.
# Sourced after options.sh.

# What the options that all pipes have amount to: options for every stage, options for the stages
# that reach the store, where archives are; and the words that are no options, quoted.
all='' reach='' archive_dir='' archive_name='' words=''

# shared_option COUNT OPTION [VALUE…]: reads an option that all pipes have, or a word that is none.
# Sets $taken to the number of words that it was. COUNT words follow, the option among them.
shared_option() {
    count=$1 taken=1
    shift
    case $1 in
        -o | --ssh-option | --ssh-config | --num-retries | --timeout | --bwlimit | --ssh-options | \
            --archive-dir | --name | -v | --verbosity)
            needs_value "$1" "$count" && taken=2
            ;;
    esac
    case $1 in
        --ssh-options) reach="$reach$(ssh_settings "$2")" ;;
        -o | --ssh-option | --ssh-config | --num-retries | --timeout | --bwlimit)
            reach="$reach $1 $(quoted "$2")"
            ;;
        -o?*) reach="$reach --ssh-option $(quoted "${1#-o}")" ;;
        --archive-dir) archive_dir=$2 ;;
        --name) archive_name=$2 ;;
        -v | --verbosity) all="--verbosity $(quoted "$2")" ;;
        -v*) all="--verbosity $(quoted "${1#-v}")" ;;
        -*) fail 2 "$1: no such option (see --help)" ;;
        *) words="$words $(quoted "$1")" ;;
    esac
}

# ssh_settings TEXT: the words of duplicity's --ssh-options, such as '-oPort=2222 -oUser=purr', as
# options of our own.
ssh_settings() (
    set -f
    for word in $1; do
        [ "$word" = -o ] || printf ' --ssh-option %s' "$(quoted "${word#-o}")"
    done
)

# check_common OPTIONS: lets one stage look at the options that all of them get, so that a wrong one
# is told once.
check_common() {
    [ -z "$1" ] || eval "moo-scan $1 --version" >/dev/null || exit
}

# archive_of URL: the archive folder of a store: ARCHIVE_DIR/NAME, where NAME is, as with
# duplicity, the MD5 of the URL.
archive_of() {
    dir=${archive_dir:-${XDG_STATE_HOME:-${HOME:?}/.local/state}/moobacker}
    name=${archive_name:-$(printf '%s' "$1" | md5sum | cut -d ' ' -f 1)}
    printf '%s/%s\n' "$dir" "$name"
}
