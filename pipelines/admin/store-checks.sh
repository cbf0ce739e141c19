# shellcheck shell=sh disable=SC2046,SC2086,SC2154
# What the doctor checks of the other machine: the way there, the age of the backups, and what the
# account lets its key do. Sourced by doctor.sh.

# age_seconds AGE: such as 8D or 1h30m, in seconds.
age_seconds() {
    printf '%s\n' "$1" | awk '
        BEGIN { split("s 1 m 60 h 3600 D 86400 W 604800 M 2592000 Y 31536000", w, " ")
            for (i = 1; i < 15; i += 2) unit[w[i]] = w[i + 1] }
        !/^([0-9]+[smhDWMY])+$/ { exit 1 }
        { while (match($0, /^[0-9]+/)) {
            sum += substr($0, 1, RLENGTH) * unit[substr($0, RLENGTH + 1, 1)]
            $0 = substr($0, RLENGTH + 2) }
          printf "%d\n", sum }'
}

# check_way: for SFTP, that the user has a key and knows the host's.
check_way() {
    case $remote in sftp://*) ;; *) return 0 ;; esac
    place=${remote#sftp://} place=${place%%/*}
    ask_ssh
    check_identity && check_known
}

# ask_ssh: what the user's ssh makes of the URL: $host, $port, $login, $identity, $known; and
# $settings, the words that take stock ssh there.
ask_ssh() {
    store_settings
    facts=$(owners ssh $settings -G "ssh://$place" 2>/dev/null) || fail 2 "$remote: not a host that ssh understands"
    host=$(ssh_says hostname) port=$(ssh_says port) login=$(ssh_says user) known=$(ssh_says hostkeyalias)
    [ -n "$known" ] || known=$host
    [ "$port" = 22 ] || [ "$known" != "$host" ] || known="[$host]:$port"
    settings="$settings
-oBatchMode=yes
-oConnectTimeout=15
-oUpdateHostKeys=no
-oControlPath=none"
}

ssh_says() { printf '%s\n' "$facts" | sed -n "s/^$1 //p" | sed 1q; }

# store_settings: the settings of SSH among the configuration's options, for our programs and for ssh.
store_settings() {
    ours=$(conf_reach "$(conf_stored | sed 1q)" | sed -n '/^\(-o\|--ssh-option\|--ssh-config\)$/{N;s/\n/=/}
        s/^--ssh-option=/-o/; s/^-o=/-o/; /^-o.\|^--ssh-config=/p')
    settings=$(printf '%s\n' "$ours" | sed 's/^--ssh-config=/-F/')
}

# check_identity: the key that logs in there is private, and opens nothing else.
check_identity() {
    identity=$(ssh_says_all identityfile | sed "s:^~/:$home/:" | while read -r file; do
        owners test -f "$file" && echo "$file" && break
    done) || identity=''
    if [ -z "$identity" ]; then
        finding 6 "$home/.ssh" "there is no SSH key for $host" "$set_up"
        return 1
    fi
    private "$identity" 600 || return 1
    public=$(owners ssh-keygen -y -P '' -f "$identity" 2>/dev/null | cut -d ' ' -f 2) || public=''
    if [ -z "$public" ]; then
        finding 6 "$identity" 'has a passphrase, or is damaged' "runuser -u $owner -- ssh-keygen -p -N '' -f $identity"
        return 1
    fi
    other=$(other_uses | sed 1q)
    if [ -n "$other" ]; then
        mend='its owner has to take the key out'
        ! only_roots "$other" || mend="sed -i '\\|$public|d' $(shown "$other")"
        finding 1 "$other" 'has the SSH key of the backups too' "$mend"
    else
        passed "$identity" 'is a key for the backups alone'
    fi
}

ssh_says_all() { printf '%s\n' "$facts" | sed -n "s/^$1 //p"; }

# Files of other users, or of this host, that name the key.
other_uses() (
    set +f
    for file in /root/.ssh/authorized_keys /root/.ssh/*.pub /home/*/.ssh/authorized_keys /home/*/.ssh/*.pub \
        "$home"/.ssh/authorized_keys /etc/ssh/ssh_host_*.pub; do
        [ ! -f "$file" ] || ! grep -qsF -e "$public" -- "$file" || echo "$file"
    done
)

# check_known: the host's key is known, so that no other host is taken for it.
check_known() {
    for file in $(ssh_says_all userknownhostsfile | tr ' ' '\n') $(ssh_says_all globalknownhostsfile | tr ' ' '\n'); do
        case $file in \~/*) file=$home/${file#??} ;; esac
        owners ssh-keygen -F "$known" -f "$file" >/dev/null 2>&1 || continue
        passed "$file" "knows the key of $known"
        return 0
    done
    finding 6 "$home/.ssh/known_hosts" "does not know $known" "$set_up --host-key FINGERPRINT"
    return 1
}

# check_backups: each source has a backup that is not too old, here and there.
check_backups() {
    set_up_there
    for name in $(conf_stored); do
        status=0
        with='' own_copy=$home/.local/state/moobacker/$(conf_archive "$name")
        ! owners test -r "$own_copy" || with="--archive=$own_copy"
        listed=$(owners "$here/moo-fetch" $ours --num-retries 1 $with --receipts "$(conf_url "$name")" 2>&1) || status=$?
        if [ "$status" != 0 ]; then
            lost_store || return 1
            continue
        fi
        check_strangers
        there=$(printf '%s\n' "$listed" | sed -n 's/^{"stored":"\([^"]*\)".*/\1/p' | newest)
        archived=$(owners ls -- "$own_copy" 2>/dev/null | newest)
        check_backup
    done
}

# check_strangers: what moo-fetch warns of: files that bear the name of another one, or are renamed.
check_strangers() {
    for line in $(printf '%s\n' "$listed" | sed -n 's/^moo-fetch: //p'); do
        line=${line#"$(conf_url "$name"): "}
        finding 5 "$(conf_url "$name")" "$line" "on the store's machine: moo prune-remote --strangers FOLDER"
    done
}

# The time of the newest set, of which the manifest's name is at standard input.
newest() {
    sed -n 's/^duplicity-\(full\|inc\)\.\(.*\.to\.\)\{0,1\}\([0-9TZ]*\)\.manifest\(\.g.*\)\{0,1\}$/\3/p' | sort | tail -n 1
}

# What kept us from the store; fails if it would be the same for the next source.
lost_store() {
    why=$(printf '%s\n' "$listed" | tail -n 1) why=${why#moo-fetch: }
    why=${why#"$(conf_url "$name"): "}
    case $status in
        7) finding 7 "$(conf_url "$name")" "$why" "$there_set_up" ;;
        6) finding 6 "$remote" "$why" "$there_set_up" && return 1 ;;
        *) finding "$status" "$remote" "$why" "$run_backup $name" && return 1 ;;
    esac
}

# set_up_there: the command for the other machine.
set_up_there() {
    there_set_up='ls -ld' public_key=''
    case $remote in sftp://*) ;; *) there_set_up="ls -ld $(shown "${remote#file://}")" && return 0 ;; esac
    public_key=$(owners ssh-keygen -y -P '' -f "$identity")
    address=$(ip -o route get "$(getent ahosts "$host" | sed -n '1s/ .*//p')" 2>/dev/null |
        sed -n 's/.* src \([^ ]*\).*/\1/p') || address=''
    there_set_up=$(shown moo setup-remote --from "${address:-ADDRESS}" --key "$public_key" --user "$login" \
        $append $(conf_stored))
}

check_backup() {
    url=$(conf_url "$name")
    if [ -z "$there" ] && ! reachable; then
        finding 7 "$url" 'there is no such folder' "$there_set_up"
    elif [ -z "$there" ] && [ -n "$archived" ]; then
        finding 8 "$url" "has none of this machine's backups, and had one of $archived (is a disk missing?)" \
            "runuser -u $owner -- mv $own_copy $own_copy.$archived && $run_backup $name"
    elif [ -z "$there" ]; then
        finding 10 "$url" 'has no backup yet' "$run_backup $name"
    elif [ -z "$strange" ] && [ "$archived" != "$there" ]; then
        finding 5 "$url" "its newest backup is of $there, and here it is ${archived:-none}" "$run_backup $name"
    elif [ $(($(date +%s) - $(seconds_of "$there"))) -gt "$oldest" ]; then
        finding 1 "$url" "its newest backup is of $there, older than $max_age" "$run_backup $name"
    else
        passed "$url" "its newest backup is of $there"
    fi
}

# reachable: the source's folder is there; a backup would make one only on this machine.
reachable() {
    case $remote in sftp://*) ;; *) return 0 ;; esac
    folder=${remote#sftp://*/} folder=${folder%/}/$name
    sftp_tries pwd
}

# seconds_of TIME: of a time in a file's name, since 1970.
seconds_of() {
    date -u -d "$(printf '%s\n' "$1" | sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6/')" +%s
}
