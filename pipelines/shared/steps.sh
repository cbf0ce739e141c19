# shellcheck shell=sh disable=SC2154
# Steps that change a machine, which --dry-run prints, and what is to be so on one that is set up.
# Sourced after options.sh.

# Set to `yes` by --dry-run.
dry_run=''

# step COMMAND…: runs the command, or is the end; in a dry run prints it, as it could be typed.
step() {
    if [ -n "$dry_run" ]; then shown "$@"; else "$@" || exit 1; fi
}

# announce LINE: says what a step has changed, unless nothing is changed.
announce() { [ -n "$dry_run" ] || printf '%s\n' "$(legible "$self: $1")"; }

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
    case $(stat -c %A -- "$1") in
        l*) fail 1 "$1: a symbolic link, where a folder is needed" ;;
        [!d]*) fail 1 "$1: not a folder" ;;
    esac
    why=$(not_roots "$1")
    case $why in
        '') ;;
        *write*) fail 1 "$1: $why (chmod go-w)" ;;
        *) fail 1 "$1: $why" ;;
    esac
}

# not_roots PATH: prints nothing if PATH is root's, and nobody else may write to it; or what is wrong.
not_roots() {
    case $(stat -c '%u %A' -- "$1" 2>/dev/null) in
        '0 l'* | '0 '?????-??-?) ;;
        '0 '*) echo 'others than root may write to it' ;;
        '') echo 'is missing' ;;
        *) echo 'does not belong to root' ;;
    esac
}

# nobody_logs_in_as USER: the user is not root, and nobody can log in as it.
nobody_logs_in_as() {
    [ "$(id -u -- "$1")" != 0 ] || fail 1 "$1: is root: choose another --user"
    way=$(logins "$1" | sed 1q)
    [ -z "$way" ] || fail 1 "$1: $way, or choose another --user"
}

# logins USER: how somebody could log in as USER, with the command that ends it: a line each.
logins() {
    case $(getent passwd "$1" | cut -d : -f 7) in
        */nologin | */false) ;;
        *) echo "has a shell: usermod -s /usr/sbin/nologin $1" ;;
    esac
    case $(getent shadow "$1" | cut -d : -f 2) in
        '*'* | '!'*) ;;
        *) echo "has a password: usermod -p '*' $1" ;;
    esac
}

# sudo_rule USER: the line of sudoers that lets USER start the backup as root.
sudo_rule() { printf '%s\n' "$1 ALL=(root) NOPASSWD: $here/backup.sh \"\""; }

# cron_line USER [SCHEDULE]: the line of cron that starts the backup, every night at half past two.
cron_line() { printf '%s\n' "${2:-30 2 * * *} $1 sudo -n $here/backup.sh"; }

# own_address HOST: the address that this machine has to HOST, or ADDRESS if nothing tells.
own_address() {
    address=$(ip -o route get "$(getent ahosts "$1" | sed -n '1s/ .*//p')" 2>/dev/null |
        sed -n 's/.* src \([^ ]*\).*/\1/p') || :
    printf '%s\n' "${address:-ADDRESS}"
}
