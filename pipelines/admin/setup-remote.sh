#!/bin/sh
# setup-remote.sh: sets up this machine to keep the backups of another one, which it need not trust.
set -eu
self='setup-remote.sh'

usage() {
    cat <<'TEXT'
usage: setup-remote.sh [options] --from ADDRESSES --key KEY FOLDER…

Set up this machine to keep the backups of another one, which it need not trust (root only). Make a
user that can only use SFTP, with this key, from these addresses, below one folder, and can add files
there but never change or delete one. Make backups/FOLDER there for each FOLDER. Print the URL, the
keys of this host, and what deletes old backups here.

  --from ADDRESSES   accept the other machine from these addresses, networks (192.0.2.0/24) and
                     patterns with * and ?, separated by commas
  --key KEY          accept the public SSH key KEY: 'ssh-ed25519 AAAA…', or a file that contains it
  --replace-key      replace the present key by KEY, if the other machine was installed anew
  --user NAME        use the user NAME (purrbackups); each machine needs its own
  --chroot FOLDER    show the user only FOLDER (/srv/NAME)
  --plain            let the user change and delete files, too: whoever takes over the other machine
                     can then destroy its backups
  --append-only      take that from a user that has it
  --dry-run          print the commands without running them

Run again with the same arguments, it changes nothing; with other folders, it adds them. The key of a
second machine is refused: two machines with one user could read and change each other's backups. A
user or a key that exists gets no further rights: the command prints what to do by hand instead.

Examples:
  sudo moo setup-remote --from 192.0.2.7 --key 'ssh-ed25519 AAAA…' etc home
  sudo moo setup-remote --plain --from 192.0.2.0/24 --key /tmp/server.pub etc
TEXT
}

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../shared/options.sh
. "$here/shared/options.sh"
# shellcheck source-path=SCRIPTDIR source=../shared/steps.sh
. "$here/shared/steps.sh"
# shellcheck source-path=SCRIPTDIR source=sshd.sh
. "$here/admin/sshd.sh"

from='' key='' replace='' user=purrbackups chroot='' kind='' folders=''
own_option() {
    case $2 in
        --from) needs_value "$@" && from=$3 ;;
        --key) needs_value "$@" && key=$3 ;;
        --replace-key) replace=yes ;;
        --user) needs_value "$@" && user=$3 ;;
        --chroot) needs_value "$@" && chroot=$3 ;;
        --append-only | --plain) kind=${2#--} ;;
        --dry-run) dry_run=yes ;;
        *) no_such_option "$2" ;;
    esac
}

read_options "$@"
eval "set -- $words"
for folder; do
    case $folder in
        '' | .* | *[!A-Za-z0-9._-]*)
            fail 2 "$folder: a folder's name is of letters, digits and . _ - (see --help)"
            ;;
    esac
    folders="$folders $folder"
done

# What goes into sshd's files is plain: nothing in it could be read as something else.
case $from in
    '') fail 2 '--from: the addresses of the other machine are needed (see --help)' ;;
    *[!0-9A-Fa-f.:/*?!,]*) fail 2 "--from: $from: addresses are needed, not names" ;;
esac
case $user in '' | [!a-z_]* | *[!a-z0-9_-]* | root) fail 2 "--user: $user: not a name for a user" ;; esac
chroot=${chroot:-/srv/$user}
case $chroot/ in
    /*[!A-Za-z0-9._/-]* | */../* | */./* | *//* | [!/]*)
        fail 2 "--chroot: $chroot: an absolute path of letters, digits and . _ - is needed"
        ;;
esac
[ -n "$folders" ] || fail 2 'at least one folder is needed (see --help)'
[ -n "$key" ] || fail 2 '--key: a public key is needed (see --help)'
case $key in
    *' '*) ;;
    *)
        [ -r "$key" ] || fail 2 "--key: $key: can't be read"
        key=$(cat -- "$key")
        ;;
esac
case $key in
    *'
'* | *[![:print:]]*) fail 2 '--key: not one line with one key' ;;
    ssh-* | ecdsa-* | sk-*) ;;
    *) fail 2 '--key: a public key begins with its type, such as ssh-ed25519' ;;
esac
printf '%s\n' "$key" | ssh-keygen -lf - >/dev/null 2>&1 || fail 2 '--key: not a public key'
[ "$(id -u)" = 0 ] || fail 1 'run as root: only root can do this, or print it with --dry-run'
umask 022

# make_user: makes the user, or accepts an existing one without other rights.
make_user() {
    getent passwd "$user" >/dev/null || {
        step useradd --system --user-group --no-create-home --home-dir /nonexistent \
            --shell /usr/sbin/nologin --password '*' "$user"
        return
    }
    nobody_logs_in_as "$user"
    home=$(getent passwd "$user" | cut -d : -f 6)
    [ "$(id -Gn -- "$user")" = "$user" ] ||
        fail 1 "$user: is not in a group of its own alone: choose another --user"
    for file in "$home" "/var/spool/cron/crontabs/$user"; do
        [ ! -e "$file" ] || fail 1 "$user: has files of its own, $file: choose another --user"
    done
}

# make_folders: the chroot, where only root writes, and the user's folders in it.
make_folders() {
    only_root_writes "$chroot/backups"
    for entry in "$chroot"/* "$chroot"/.[!.]*; do
        case $entry in "$chroot/backups" | "$chroot/*" | "$chroot/.[!.]*") continue ;; esac
        fail 1 "$entry: the user would see it: choose an empty --chroot"
    done
    [ -d "$chroot/backups" ] || step mkdir -p "$chroot/backups"
    for name in $folders; do make_folder "$chroot/backups/$name"; done
}

make_folder() {
    if [ ! -e "$1" ] && [ ! -L "$1" ]; then
        step install -d -m 700 -o "$user" -g "$user" "$1"
        return
    fi
    [ "$(stat -c '%U %A' -- "$1")" = "$user drwx------" ] ||
        fail 1 "$1: exists and is not private to $user (chown $user, chmod 700)"
}

# add_key FILE: the key's line in FILE, unless it is there. An account has one key.
add_key() {
    line="from=\"$from\",restrict $key"
    rest=${key#* }
    old=''
    [ ! -e "$1" ] || old=$(cat -- "$1")
    free=$(printf '%s\n' "$old" | grep -vnE '^(#|$|from="[^"]+",restrict [a-z])' | sed 1q)
    [ -z "$free" ] || fail 1 "$1: line ${free%%:*}: a key that is not restricted: remove it"
    same=$(printf '%s\n' "$old" | grep -F -- " ${rest%% *}") || :
    case $same in
        '') ;;
        "from=\"$from\",restrict "*) return ;;
        *) fail 1 "$1: has this key with other addresses: change from= there by hand" ;;
    esac
    if [ -z "$replace" ] && printf '%s\n' "$old" | grep -q '^from='; then
        fail 1 "$1: has the key of another machine: give this one its own --user; or pass --replace-key if it was installed anew"
    fi
    [ -d "${1%/*}" ] || step mkdir -p "${1%/*}"
    kept=$(printf '%s\n' "$old" | grep '^#') || :
    printf '%s\n' ${kept:+"$kept"} "$line" | put 644 "$1"
}

# limit_user FILE KEYS: the user's section of sshd. One that is there may become append-only, and is
# else left to who has changed it: it stays plain unless the caller says otherwise.
limit_user() {
    plain=$(sshd_section "$user" "$chroot" "$2")
    found=''
    [ ! -e "$1" ] || found=$(cat -- "$1")
    [ -n "$kind" ] || [ "$found" != "$plain" ] || kind=plain
    kind=${kind:-append-only}
    wanted=$plain
    [ "$kind" = plain ] || wanted=$(sshd_section "$user" "$chroot" "$2" append-only)
    case $found in
        "$wanted")
            sshd_holds "$user" "$from" "$wanted"
            return
            ;;
        '' | "$plain") ;;
        "$(sshd_section "$user" "$chroot" "$2" append-only)")
            fail 1 "$user: can only add files: leave out --plain, or delete $1 first"
            ;;
        *) fail 1 "$1: exists with other settings: delete it first" ;;
    esac
    sshd_write "$1" "$wanted" "$user" "$from"
    sshd_reload
}

# tell: prints what the other machine needs.
tell() {
    name=$(hostname -f 2>/dev/null) || name=$(hostname)
    echo "The backups' URL: sftp://$user@$name/backups"
    echo 'The fingerprints of this host, one of them for setup-local --host-key:'
    sshd_host_keys | ssh-keygen -lf - | sed 's/^/  /'
    echo 'Or its lines for known_hosts:'
    sshd_host_keys | sed "s/^\([^ ]* [^ ]*\).*/  $name \1/"
    [ "$kind" = plain ] || tell_of_pruning
}

# tell_of_pruning: where the user can only add files, root deletes the old ones.
tell_of_pruning() {
    echo 'The user can only add files. To delete old backups, let cron of root run here, for example:'
    for name in $folders; do
        echo "  0 5 * * 0 root $here/moo prune-remote --keep-full 4 --older-than 6M --force $chroot/backups/$name"
    done
}

# setup: all of it. Until sshd has the section, it looks for no key there.
setup() {
    keys=/etc/ssh/authorized_keys.d/$user
    only_root_writes "${keys%/*}"
    only_root_writes /etc/ssh/sshd_config.d
    sshd_sound
    make_user
    make_folders
    add_key "$keys"
    limit_user "/etc/ssh/sshd_config.d/moobacker-$user.conf" "$keys"
}

# What is refused is refused before anything has changed.
# shellcheck disable=SC2030 # that is what the parentheses are for
(dry_run=yes && setup) >/dev/null
setup
# shellcheck disable=SC2031
[ -n "$dry_run" ] || tell
