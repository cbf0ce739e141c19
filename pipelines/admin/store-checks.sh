# shellcheck shell=sh disable=SC2046,SC2086,SC2154
# What the doctor checks of the other machine: the way there, the age of the backups, and what the
# account lets its key do. Sourced by doctor.sh.

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

# check_backups: each source has a whole backup that is not too old, and no strangers.
check_backups() {
    set_up_there
    for name in $(conf_stored); do
        url=$(conf_url "$name") with='' status=0
        own_copy=$home/.local/state/moobacker/$(conf_archive "$name")
        ! owners test -r "$own_copy" || with="--archive=$own_copy"
        why=$(status_of "--max-age=$max_age" $with) || status=$?
        why=$(printf '%s\n' "$why" | tail -n 1) why=${why#moo-status: } why=${why#"$url: "}
        check_backup || return 1
    done
}

# status_of OPTION…: what moo-status says of the source's folder.
status_of() { owners "$here/moo-status" $ours --num-retries 1 "$@" "$url" 2>&1; }

# check_backup: one source; fails if it would be the same for the next one.
check_backup() {
    case $status in
        0) check_agreement ;;
        3) finding 1 "$url" "$why, older than $max_age" "$run_backup $name" ;;
        5 | 10) check_loss ;;
        7) finding 7 "$url" "$why" "$there_set_up" ;;
        6) finding 6 "$remote" "$why" "$there_set_up" && return 1 ;;
        *) finding "$status" "$remote" "$why" "$run_backup $name" && return 1 ;;
    esac
}

# check_agreement: of a good backup: the archive directory is there, and all files are ours.
check_agreement() {
    if [ -z "$with" ]; then
        # Whose it is has been said.
        [ -z "$strange" ] || return 0
        finding 5 "$url" "it has backups, and the archive directory $own_copy is missing" "$run_backup $name"
        return
    fi
    strangers=$(owners "$here/moo-fetch" $ours --num-retries 1 $with --receipts "$url" 2>&1 >/dev/null) || status=$?
    if [ "$status" != 0 ]; then
        why=$(printf '%s\n' "$strangers" | tail -n 1) why=${why#moo-fetch: }
        finding "$status" "$url" "${why#"$url: "}" "$run_backup $name"
        return 0
    fi
    for line in $strangers; do
        finding 5 "$url" "${line#"moo-fetch: $url: "}" "on the store's machine: moo prune-remote --strangers FOLDER"
    done
    [ -z "$verbose" ] || passed "$url" "$(status_of $with | tail -n 1)"
}

# check_loss: a store without any set could be a disk that is not mounted.
check_loss() {
    [ "$status" = 10 ] || status_of "--max-age=$max_age" >/dev/null || status=$?
    if [ "$status" != 10 ]; then
        # What is lost can come back from another store, or goes with its chain: that is not for a line to say.
        finding 5 "$url" "$why" "moo status $name $store"
    elif ! reachable; then
        finding 7 "$url" 'there is no such folder' "$there_set_up"
    elif [ -z "$with" ]; then
        finding 10 "$url" 'has no backup yet' "$run_backup $name"
    else
        finding 8 "$url" "has none of this machine's backups (is a disk missing?)" \
            "runuser -u $owner -- mv $own_copy $own_copy.$(date +%s) && $run_backup $name"
    fi
}

# set_up_there: the command for the other machine.
set_up_there() {
    there_set_up='ls -ld' public_key=''
    case $remote in sftp://*) ;; *) there_set_up="ls -ld $(shown "${remote#file://}")" && return 0 ;; esac
    public_key=$(owners ssh-keygen -y -P '' -f "$identity")
    there_set_up=$(shown moo setup-remote --from "$(own_address "$host")" --key "$public_key" --user "$login" \
        $append $(conf_stored))
}

# reachable: the source's folder is there; a backup would make one only on this machine.
reachable() {
    case $remote in sftp://*) ;; *) return 0 ;; esac
    folder=${remote#sftp://*/} folder=${folder%/}/$name
    sftp_tries pwd
}
