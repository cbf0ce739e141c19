# shellcheck shell=sh
# Steps that change a machine. --dry-run prints them. Sourced after options.sh.

# Set to `yes` by --dry-run.
dry_run=''

# step COMMAND…: runs the command, or is the end; in a dry run prints it, as it could be typed.
step() {
    if [ -n "$dry_run" ]; then shown "$@"; else "$@" || exit 1; fi
}

# shown WORD…: the words in a line, quoted where the shell would change them.
shown() (
    line=''
    for word; do
        case $word in '' | *[!A-Za-z0-9_./:=@%+,-]*) word=$(quoted "$word") ;; esac
        line="$line $word"
    done
    printf '%s\n' "${line# }"
)

# put MODE FILE: what comes on standard input becomes the content of FILE, of root.
put() {
    set -- install -m "$1" -o root -g root /dev/stdin "$2"
    [ -n "$dry_run" ] || step "$@"
    [ -z "$dry_run" ] || { echo "$(shown "$@") <<'END'" && cat && echo END; }
}

# only_root_writes PATH: nobody but root can write to PATH, or put something else in its place. What
# is not there yet is as good as the folder above it.
only_root_writes() {
    up=$1
    while :; do
        if [ -e "$up" ] || [ -L "$up" ]; then only_root_writes_here "$up"; fi
        [ "$up" != / ] || return 0
        up=$(dirname -- "$up")
    done
}

only_root_writes_here() {
    case $(stat -c '%u %A' -- "$1") in
        '0 l'*) fail 1 "$1: a symbolic link, where a folder is needed" ;;
        '0 d'????-??-?) ;;
        '0 d'*) fail 1 "$1: others than root may write to it (chmod go-w)" ;;
        '0 '*) fail 1 "$1: not a folder" ;;
        *) fail 1 "$1: does not belong to root" ;;
    esac
}

# nobody_logs_in_as USER: the user is not root, and has neither a shell nor a password.
nobody_logs_in_as() {
    IFS=: read -r _ _ uid _ _ _ shell <<TEXT
$(getent passwd "$1")
TEXT
    [ "$uid" != 0 ] || fail 1 "$1: is root: choose another --user"
    case $shell in
        */nologin | */false) ;;
        *) fail 1 "$1: has a shell: usermod -s /usr/sbin/nologin $1, or choose another --user" ;;
    esac
    case $(getent shadow "$1" | cut -d : -f 2) in
        '*'* | '!'*) ;;
        *) fail 1 "$1: has a password: usermod -p '*' $1, or choose another --user" ;;
    esac
}
