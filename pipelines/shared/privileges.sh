# shellcheck shell=sh
# Running the stages of a pipe as a user other than root. Sourced after options.sh, with $self set to
# the name that messages begin with.

# Whom the parts run as that use a store or an archive directory; empty for the caller.
user=''

# become USER: from here on as_user and as_reader run programs as USER, in an environment that has
# nothing of root's: the user's home, the caller's language and time zone, and PATH.
become() {
    [ "$(id -u)" = 0 ] || fail 2 "--user: only root can run as somebody else"
    entry=$(getent passwd "$1") || fail 2 "--user: $1: no such user"
    IFS=: read -r user _ uid gid _ home _ <<TEXT
$entry
TEXT
    [ "$uid" != 0 ] || fail 2 "--user: $1: is root too"
    callers_home=${HOME-} callers_keys=${GNUPGHOME-} callers_terminal=${GPG_TTY-}
    case ${GNUPGHOME-} in "$home"/*) ;; *) unset GNUPGHOME ;; esac
    export_only PATH LANG LC_ALL TZ TERM GNUPGHOME MOO_COMMAND MOO_LIFELINE MOO_SCRATCH MOO_PROGRESS
    export HOME="$home" USER="$user" LOGNAME="$user"
    give_lifeline
}

# give_lifeline: the user's stages hold the lifeline of moo-run, and share its folder for temporary
# files where they can reach it.
give_lifeline() {
    [ -n "${MOO_SCRATCH-}" ] || return 0
    nobody_replaces "${MOO_SCRATCH%/*}"
    chown -- "$uid:$gid" "$MOO_SCRATCH"
    ! user_test -w "$MOO_SCRATCH" || export TMPDIR="$MOO_SCRATCH"
}

# nobody_replaces FOLDER: nobody but root can put another one in its place.
nobody_replaces() {
    up=$(dirname -- "$1")
    while :; do
        case $(stat -c '%u %A' -- "$up") in
            '0 d'????-??-? | '0 d'*[tT]) ;;
            *) fail 1 "TMPDIR: $up: others than root may write to it: unset TMPDIR" ;;
        esac
        [ "$up" != / ] || return 0
        up=$(dirname -- "$up")
    done
}

# Not empty if the caller is a service with privileges of its own, as moobacker.service is.
ambient=''
{
    while read -r field value; do
        case $field$value in CapAmb:*[!0]*) ambient=$value && break ;; esac
    done </proc/self/status
} 2>/dev/null || :

# as_user PROGRAM [ARGUMENT…]: becomes the program, as the user and without any privilege. In a session
# of its own it can type nothing into the terminal of root.
as_user() {
    if [ -n "$user" ]; then
        set -- setsid --wait setpriv --reuid "$uid" --regid "$gid" --init-groups --no-new-privs \
            --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- "$@"
    elif [ -n "$ambient" ]; then
        set -- setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all -- "$@"
    fi
    exec "$@"
}

# user_test EXPRESSION: what test(1) says to the user. The shell knows where it is the user.
user_test() {
    if [ -n "$user$ambient" ]; then (as_user test "$@"); else test "$@"; fi
}

# as_reader PROGRAM [ARGUMENT…]: the same as as_user, but the program may read every file; or, where the
# source is the output of another user's commands, become that user instead. The snapshot of a source is the
# caller's: moo-snapshot makes it, runs the program, and deletes it.
as_reader() {
    may=-all,+dac_read_search
    [ -z "$command_user" ] || may=-all,+setuid,+setgid
    [ -z "$user" ] || set -- setsid --wait setpriv --reuid "$uid" --regid "$gid" --init-groups --no-new-privs \
        --inh-caps="$may" --ambient-caps="$may" --bounding-set="$may" -- "$@"
    # shellcheck disable=SC2154 # read_pipe sets them
    [ -z "$snapshot" ] || set -- moo-snapshot "$snapshot" -- "$source" "$@"
    exec "$@"
}

# as_caller PROGRAM [ARGUMENT…]: becomes the program, as the caller, with the caller's home and keys, and
# with temporary files where the user does not get.
as_caller() {
    [ -n "$user" ] || as_user "$@"
    export HOME="$callers_home" USER=root LOGNAME=root
    unset GNUPGHOME
    [ -z "$callers_keys" ] || export GNUPGHOME="$callers_keys"
    [ -z "$callers_terminal" ] || export GPG_TTY="$callers_terminal"
    [ -z "${MOO_SCRATCH-}" ] || export TMPDIR="${MOO_SCRATCH%/*}"
    exec "$@"
}

# export_only NAME…: takes all other variables out of the environment of what is started. To this
# shell its own, which are in lower case, stay what they are.
export_only() {
    kept=" $* "
    for exported in $(env -0 | tr '\n\0' ' \n' | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
        case $kept in *" $exported "*) continue ;; esac
        eval "value=\${$exported-}" && unset "$exported"
        case $exported in [a-z]*) eval "$exported=\$value" ;; esac
    done
}
