# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of all pipes: their common options, and the archive directory of a store.
# Sourced with $here set to the folder above.

# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/privileges.sh
. "$here/shared/privileges.sh"

# Units of systemd have no HOME: the user database knows it.
if [ -z "${HOME-}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
    export HOME
    [ -n "$HOME" ] || unset HOME
fi

# The values of the common options: options for every stage, options for the stages that use the
# store, the folder of archive directories; and the selection.
all='' reach='' archive_dir='' archive_name='' scan=''

# passphrase_from N: reads the passphrase from a file descriptor, which can be read only once, for all stages
# that need it.
passphrase_from() {
    PASSPHRASE=''
    case $1 in
        [0-9]) { IFS= read -r PASSPHRASE <&"$1"; } 2>/dev/null || : ;;
        '' | *[!0-9]*) fail 2 "--passphrase-fd: $1: not a number" ;;
        # The shell has no word for others.
        *) { IFS= read -r PASSPHRASE <"/dev/fd/$1"; } 2>/dev/null || : ;;
    esac
    [ -n "$PASSPHRASE" ] || fail 6 "--passphrase-fd: $1: no passphrase in the first line"
}

# shared_option COUNT OPTION [VALUE...]: reads an option that all pipes have, for read_options.
shared_option() {
    case $2 in
        -o | --ssh-option | --ssh-config | --num-retries | --timeout | --bwlimit | --ssh-options | \
            --archive-dir | --name | -v | --verbosity)
            needs_value "$@"
            ;;
    esac
    case $2 in
        --ssh-options) reach="$reach$(ssh_settings "$3")" ;;
        -o | --ssh-option | --ssh-config | --num-retries | --timeout | --bwlimit)
            reach="$reach $2 $(quoted "$3")"
            ;;
        -o?*) reach="$reach --ssh-option $(quoted "${2#-o}")" ;;
        --archive-dir) archive_dir=$3 ;;
        --name) archive_name=$3 ;;
        -v | --verbosity) all="--verbosity $(quoted "$3")" ;;
        -v*) all="--verbosity $(quoted "${2#-v}")" ;;
        *) no_such_option "$2" ;;
    esac
}

# shared_help: the common options, for --help.
shared_help() {
    cat <<'TEXT'
  -o, --ssh-option K=VALUE  set an option of SSH, as -o of ssh does; can be repeated
  --ssh-config FILE         read the settings of SSH from FILE instead of ~/.ssh/config
  --num-retries N           try N times to reach the store (5)
  --timeout SECONDS         wait SECONDS for an answer of the store (30)
  --bwlimit KIB             limit network traffic to KIB KiB per second
  --archive-dir DIR         keep archive directories below DIR ($XDG_STATE_HOME/moobacker)
  --name NAME               use the archive directory NAME there (the MD5 of URL)
  -v, --verbosity LEVEL     print messages of this level and above: error, warning, notice, info,
                            debug, or 0 to 9
TEXT
}

# selection_option COUNT OPTION [VALUE...]: reads an option that says what of a source counts, as
# moo-scan and duplicity have them; fails on another one.
selection_option() {
    case $2 in
        --include | --exclude | --include-filelist | --exclude-filelist | --include-regexp | \
            --exclude-regexp | --exclude-if-present | --exclude-older-than | --files-from)
            needs_value "$@"
            scan="$scan $2 $(quoted "$3")"
            ;;
        --exclude-other-filesystems | --exclude-device-files | --null-separator)
            scan="$scan $2"
            ;;
        *) return 1 ;;
    esac
}

# selection_help: the selection options, for --help.
selection_help() {
    cat <<'TEXT'
  --exclude GLOB            exclude paths that match GLOB; can be repeated
  --include GLOB            include paths that match GLOB; of several selections, the first one
                            that matches decides
  --exclude-filelist FILE, --include-filelist FILE, --exclude-regexp RE, --include-regexp RE,
  --exclude-if-present NAME, --exclude-other-filesystems, --exclude-device-files,
  --exclude-older-than TIME, --files-from FILE, --null-separator
                            select files in other ways, as moo-scan and duplicity do
TEXT
}

# ssh_settings TEXT: the words of duplicity's --ssh-options, such as '-oPort=2222 -oUser=purr', as
# options of our own.
ssh_settings() (
    set -f
    for word in $1; do
        [ "$word" = -o ] || printf ' --ssh-option %s' "$(quoted "${word#-o}")"
    done
)

# check_common: lets one stage look at the options that all of them get, so that a wrong one is told
# once.
check_common() {
    [ -z "$all" ] || eval "moo-scan $all --version" >/dev/null || exit
}

# archive_of URL: the archive directory of a store: ARCHIVE_DIR/NAME, where NAME is, as with
# duplicity, the MD5 of the URL, in one of its spellings.
archive_of() {
    [ -n "$archive_dir${XDG_STATE_HOME-}${HOME-}" ] ||
        fail 2 'no home directory for the archive directory; set HOME, or give --archive-dir'
    dir=${archive_dir:-${XDG_STATE_HOME:-${HOME-}/.local/state}/moobacker}
    [ -z "$archive_name" ] || { printf '%s/%s\n' "$dir" "$archive_name" && return; }
    (as_user moo-fetch --archive-in "$dir" -- "$1")
}

# known_archive URL: the archive directory for commands that do not need one; /dev/null without a home.
known_archive() {
    (archive_of "$1") 2>/dev/null || echo /dev/null
}

# archive_option URL: --archive and its value for a stage, where there is an archive of the store.
# It is the user's: root looks at nothing in it.
archive_option() {
    archive=$(known_archive "$1")
    ! (as_user test -d "$archive") || printf ' --archive %s' "$(quoted "$archive")"
}
