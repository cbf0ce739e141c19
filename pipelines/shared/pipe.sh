# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # for those who source this file, and set by it
# Shared parts of all pipes: their common options, and the archive directory of a store.
# Sourced with $here set to the folder above.

# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/call.sh
. "$here/shared/call.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/privileges.sh
. "$here/shared/privileges.sh"

# The messages of all stages begin with what was typed, also if a command starts another one.
self=${MOO_COMMAND:-$self}
export MOO_COMMAND="$self"

# Units of systemd have no HOME: the user database knows it.
if [ -z "${HOME-}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
    export HOME
    [ -n "$HOME" ] || unset HOME
fi

# The passphrases: to decrypt with, to encrypt with, of the keys that sign, and of the copy that moo rekey
# makes. They leave the environment before anything is started, so that only the stages that need them get
# them. None comes from a variable of the environment that has its name.
unset passphrase new_passphrase sign_passphrase rekey_passphrase
[ -z "${PASSPHRASE+set}" ] || { passphrase=$PASSPHRASE && new_passphrase=$PASSPHRASE; }
[ -z "${SIGN_PASSPHRASE+set}" ] || sign_passphrase=$SIGN_PASSPHRASE
[ -z "${NEW_PASSPHRASE+set}" ] || rekey_passphrase=$NEW_PASSPHRASE
unset PASSPHRASE SIGN_PASSPHRASE NEW_PASSPHRASE

# read_pipe COMMAND [WORD...]: reads the call of a command, as read_call does, and leaves to --user what
# uses a store or an archive directory.
read_pipe() {
    read_call "$@"
    # shellcheck disable=SC2154 # read_call sets it
    [ -z "$as" ] || become "$as"
}

# read_passphrase: reads the passphrase from $passphrase_fd, if the call names one. It can be read only once,
# for all stages that need it.
read_passphrase() {
    [ -n "$passphrase_fd" ] || return 0
    passphrase=''
    case $passphrase_fd in
        [0-9]) { IFS= read -r passphrase <&"$passphrase_fd"; } 2>/dev/null || : ;;
        # The shell has no word for others.
        *) { IFS= read -r passphrase <"/dev/fd/$passphrase_fd"; } 2>/dev/null || : ;;
    esac
    [ -n "$passphrase" ] || fail 6 "--passphrase-fd: $passphrase_fd: no passphrase in the first line"
    new_passphrase=$passphrase
}

# stage PROGRAM [ARGUMENT...]: becomes that program, or that script of a command, with the rights and
# the passphrases that it needs and no others. It runs in a pipe or in parentheses.
stage() {
    case $1 in
        moo-encrypt)
            # Where keys encrypt, it is root's alone.
            [ -z "$user" ] || [ -z "$encrypts" ] || unset new_passphrase
            [ -z "${new_passphrase+set}" ] || export PASSPHRASE="$new_passphrase"
            [ -z "${sign_passphrase+set}" ] || export SIGN_PASSPHRASE="$sign_passphrase"
            ;;
        moo-decrypt | *.sh) [ -z "${passphrase+set}" ] || export PASSPHRASE="$passphrase" ;;
    esac
    case $1 in
        moo-scan)
            # moo-snapshot puts the options in its place that read the snapshot.
            [ -z "$snapshot" ] || { shift && set -- moo-scan '{}' "$@"; }
            as_reader "$@"
            ;;
        # The secret key, and what is decrypted and restored, are the caller's.
        moo-decrypt | moo-match | moo-patch | moo-compare | moo-mount) as_caller "$@" ;;
        *.sh) script=$here/commands/$1 && shift && as_caller "$script" ${user:+"--user=$user"} "$@" ;;
        *) as_user "$@" ;;
    esac
}

# archive_of URL: the archive directory of a store: ARCHIVE_DIR/NAME, where NAME is, as with
# duplicity, the MD5 of the URL, in one of its spellings. With a given NAME and prefixes, it is one for these
# inside of that.
archive_of() {
    [ -n "$archive_dir${XDG_STATE_HOME-}${HOME-}" ] ||
        fail 2 'no home directory for the archive directory; set HOME, or give --archive-dir'
    dir=${archive_dir:-${XDG_STATE_HOME:-${HOME-}/.local/state}/moobacker}
    (archive_in "--archive-in=$dir" ${archive_name:+"--archive-name=$archive_name"} -- "$1")
}

# find_archive URL: sets $archive for commands that do not need one, /dev/null without a home; and
# $present_archive, see check_archive.
find_archive() {
    archive=$( (archive_of "$1") 2>/dev/null) || archive=/dev/null
    check_archive
}

# check_archive: sets $present_archive to $archive if that is there. It is the user's: root looks at nothing
# in it.
check_archive() {
    present_archive=''
    ! user_test -d "$archive" || present_archive=$archive
}

# learn_seal_key: takes the key of the seals from the archive, unless one is given: $learned_key.
learn_seal_key() {
    learned_key=''
    [ -z "$seal_key" ] && user_test -s "$archive/seal-key" || return 0
    learned_key=$(as_user head -c 4096 "$archive/seal-key")
}
