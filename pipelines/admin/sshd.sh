# shellcheck shell=sh
# One user's section in the configuration of sshd: written, checked, taken back, loaded. Sourced after
# steps.sh.

# The requests of SFTP that could change or delete what is stored. The umask with them makes a file
# unwritable as soon as it is closed, and plain rename does not replace.
append_only='-u 0377 -P remove,rmdir,mkdir,setstat,fsetstat,lsetstat,posix-rename,symlink,hardlink,copy-data'

# sshd_section USER CHROOT KEYS [append-only]: what sshd grants the user: files below CHROOT by
# SFTP, for the keys in that file, and nothing else.
sshd_section() {
    cat <<TEXT
# Made by moobacker: the keeper of backups of other machines.
Match User $1
    AuthorizedKeysFile $3
    AuthorizedKeysCommand none
    AuthenticationMethods publickey
    PubkeyAuthentication yes
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    HostbasedAuthentication no
    PermitEmptyPasswords no
    TrustedUserCAKeys none
    ChrootDirectory $2
    ForceCommand internal-sftp${4:+ $append_only}
    DisableForwarding yes
    PermitTunnel no
    PermitTTY no
    PermitUserRC no
TEXT
}

# sshd_sound: sshd can be asked, and takes its configuration as it is now.
sshd_sound() {
    command -v sshd >/dev/null || fail 1 'sshd: not installed (apt-get install openssh-server)'
    # sshd does not even test without this folder, which its service makes.
    [ -d /run/sshd ] || step mkdir -m 755 /run/sshd
    [ ! -d /run/sshd ] || sshd_tested || fail 1 "sshd: its configuration is already broken: $why"
}

# Sets $why to the first line of what sshd says against its configuration.
sshd_tested() {
    why=$(sshd -t 2>&1) && return
    # Its lines end as those of a terminal.
    why=$(printf '%s\n' "$why" | tr -d '\r' | sed 1q)
    return 1
}

# sshd_write FILE SECTION USER ADDRESSES: puts the section into FILE of sshd's configuration, if
# sshd takes it and it holds for that user from those addresses; else FILE is as it was.
sshd_write() {
    section_file=$1
    section_before=''
    [ ! -e "$1" ] || section_before=$(cat -- "$1")
    # However this ends, sshd is never left with what has not been checked.
    [ -n "$dry_run" ] || trap sshd_take_back EXIT
    trap 'exit 1' HUP INT QUIT TERM
    printf '%s\n' "$2" | put 644 "$1"
    if [ -n "$dry_run" ]; then
        shown sshd -t
    else
        sshd_tested || fail 1 "sshd: does not accept $1, which is undone: $why"
        sshd_holds "$3" "$4" "$2"
    fi
    trap - EXIT HUP INT QUIT TERM
}

sshd_take_back() {
    if [ -z "$section_before" ]; then
        rm -f -- "$section_file"
    else
        printf '%s\n' "$section_before" | put 644 "$section_file"
    fi
}

# sshd_holds USER ADDRESSES SECTION: each line of the section is what sshd goes by for that user.
sshd_holds() {
    for address in $(printf '%s\n' "$2" | tr ',' ' '); do
        # For a pattern, some address that no other section can mean.
        case $address in *[*?!]*) address=192.0.2.1 ;; esac
        asked="user=$1,host=${address%/*},addr=${address%/*},laddr=127.0.0.1,lport=22"
        holds=$(sshd -T -C "$asked" 2>&1) || fail 1 "sshd: $(printf '%s\n' "$holds" | tr -d '\r' | sed 1q)"
        lost=$(printf '%s\n' "$3" | sshd_lost "$holds")
        [ -z "$lost" ] ||
            fail 1 "sshd: another $lost holds for $1: /etc/ssh/sshd_config sets it, or lacks its Include"
        sshd_lets_in "$1" "$holds"
    done
}

# The first keyword of the section at standard input whose value is another one in what sshd tells.
sshd_lost() {
    sed -n 's/^    //p' | while read -r keyword value; do
        lower=$(printf '%s\n' "$keyword" | tr '[:upper:]' '[:lower:]')
        printf '%s\n' "$1" | grep -qxF -- "$lower $value" || echo "$keyword"
    done | sed 1q
}

# sshd_lets_in USER WHAT-SSHD-TELLS: its lists of users and groups do not keep the user out.
sshd_lets_in() {
    sshd_lists "$2" allowusers "$1" || fail 1 "sshd: AllowUsers excludes $1: add it there"
    sshd_lists "$2" allowgroups "$1" || fail 1 "sshd: AllowGroups excludes $1: add it there"
}

# sshd_lists WHAT-SSHD-TELLS KEYWORD NAME: there is no such list, or one of its patterns fits.
sshd_lists() {
    patterns=$(printf '%s\n' "$1" | sed -n "s/^$2 //p")
    [ -n "$patterns" ] || return 0
    printf '%s\n' "$patterns" | {
        while IFS= read -r pattern; do
            # shellcheck disable=SC2254 # it is a pattern
            case $3 in ${pattern%%@*}) exit 0 ;; esac
        done
        exit 1
    }
}

# sshd_reload: a running sshd goes by the new configuration, from the next connection on.
sshd_reload() {
    before=$(sshd_started)
    if systemctl is-active --quiet ssh 2>/dev/null; then
        step systemctl reload ssh
    elif running=$(cat /run/sshd.pid 2>/dev/null) && kill -0 "$running" 2>/dev/null; then
        step kill -HUP "$running"
    else
        return 0
    fi
    [ -z "$before" ] || [ -n "$dry_run" ] || sshd_listens
}

# sshd_started: which start of sshd it is: each writes its file anew as soon as it listens.
sshd_started() { stat -c '%i %z' /run/sshd.pid 2>/dev/null || :; }

# sshd_listens: waits until the sshd that was started $before is gone by: it does not listen for a
# moment, in which the user's next command would be refused. An sshd that writes no file is not awaited.
sshd_listens() {
    tries=100
    until started=$(sshd_started) && [ -n "$started" ] && [ "$started" != "$before" ]; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 0
        sleep 0.1
    done
}

# sshd_host_keys: the public keys of this host that sshd shows.
sshd_host_keys() {
    sshd -T -C user=root,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22 |
        sed -n 's/^hostkey //p' | while IFS= read -r key; do
            [ ! -f "$key.pub" ] || cat -- "$key.pub"
        done
}
