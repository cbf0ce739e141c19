# shellcheck shell=sh disable=SC2086,SC2154
# What the doctor checks of the account on the other machine, by trying with the user's key all that
# it should not let it do. Sourced by doctor.sh, after store-checks.sh; settings are split on purpose.

# ssh_tries WORDS…: stock ssh, as the user, with what it says.
ssh_tries() { owners timeout 30 ssh $settings "$@" </dev/null 2>&1 || :; }

# sftp_as_user: stock sftp with the lines of standard input, all through one connection.
sftp_as_user() {
    owners timeout 60 sftp -q -b - "-oControlPath=$work/ssh.$store" -oControlMaster=auto -oControlPersist=20 \
        $settings "sftp://$place" 2>/dev/null
}

# sftp_tries LINE…: whether stock sftp can do all of that, in the folder of the first source.
sftp_tries() { printf '%s\n' "cd \"$folder\"" "$@" | sftp_as_user >/dev/null; }

# too_much WHAT: the account lets its key do more than it should.
too_much() {
    narrow=''
    finding 1 "$login@$host" "$1" "$there_set_up"
}

# check_account: it is good for SFTP below one folder, and for nothing else.
check_account() {
    narrow=yes
    folder=$(conf_url "$(conf_stored | sed 1q)") folder=${folder#sftp://*/}
    if ! sftp_tries pwd; then
        [ "$result" != 0 ] || finding 7 "$remote" 'stock sftp does not get there' "$there_set_up"
        return 0
    fi
    try_login
    try_commands
    try_forwarding
    try_leaving
    [ -z "$narrow" ] || passed "$login@$host" 'is good for SFTP in its own folders only'
    try_changes
}

# try_login: what the server tells of the key and of other ways in.
try_login() {
    told=$(ssh_tries -v "ssh://$place" true | tr -d '\r')
    ways=$(printf '%s\n' "$told" | sed -n 's/.*Authentications that can continue: //p' | sed 1q)
    case $ways in publickey | '') ;; *) too_much "can be logged in to by more than a key ($ways)" ;; esac
    # `restrict` leaves none of these.
    rights=$(printf '%s\n' "$told" | sed -n 's/.*Remote: .*: key options: *//p' | sed 1q | tr ' ' '\n' |
        grep -Ex 'agent-forwarding|port-forwarding|pty|user-rc|x11-forwarding' | tr '\n' ' ') || :
    [ -z "$rights" ] || too_much "has a key that is not restricted (${rights% })"
}

# try_commands: no command is run, no shell, no terminal.
try_commands() {
    token=moobacker-$$
    for trial in "$(ssh_tries -T "ssh://$place" "echo $token")" \
        "$(echo "echo $token" | owners timeout 30 ssh $settings -T "ssh://$place" 2>&1 || :)"; do
        if printf '%s\n' "$trial" | grep -qx "$token"; then too_much 'runs commands' && break; fi
    done
    ssh_tries -tt "ssh://$place" | grep -q 'PTY allocation request failed' || too_much 'gives a terminal'
}

# try_forwarding: it is no way to further hosts, nor back to this one.
try_forwarding() {
    ssh_tries -W "127.0.0.1:$port" "ssh://$place" | grep -aq 'administratively prohibited' ||
        too_much 'forwards connections'
    ssh_tries -o ExitOnForwardFailure=yes -R 0:127.0.0.1:1 "ssh://$place" true |
        grep -q 'remote port forwarding failed' || too_much 'listens for connections'
    export DISPLAY=:0
    ssh_tries -Y "ssh://$place" true | grep -q 'X11 forwarding request failed' || too_much 'forwards X11'
    unset DISPLAY
}

# try_leaving: nothing but its own folders can be seen, and the top of them is root's.
try_leaving() {
    for path in /etc /../../etc ../../../../etc; do
        if sftp_tries "ls $path" || sftp_tries "get $path/passwd /dev/null"; then
            too_much 'can leave its folder' && return 0
        fi
    done
    top=$(echo 'ls -la /' | sftp_as_user | awk '$NF ~ /^\/?[.]$/ { print $3, $1 }') || top=''
    case $top in
        'root d'????-??-?* | '0 d'????-??-?* | '') ;;
        *) too_much 'has a top folder that others than root may write' ;;
    esac
}

# try_changes: what can be done to a stored file, tried on one of our own. The name is one that
# every program passes over; where it can't be removed, it stays, and the next check uses it again.
try_changes() {
    name=.upload-d-moobacker-doctor allowed=''
    if ! sftp_tries "put $work/files/one $name" && ! sftp_tries "ls $name"; then
        finding 7 "$remote" "files can't be added" "$there_set_up"
        return 0
    fi
    try 'overwrite' "put $work/files/two $name"
    try 'append' "put $work/files/one $name" "reput $work/files/two $name"
    try 'chmod' "chmod 600 $name"
    try 'link' "ln $name $name-3"
    try 'symlink' "symlink / $name-4"
    ! sftp_tries "ls $name-4/etc" || too_much 'can leave its folder by a symbolic link'
    try 'mkdir' "mkdir $name-5"
    sftp_tries "put $work/files/two $name-2" || :
    try 'rename over' "rename $name-2 $name"
    try 'remove' "rm $name"
    sftp_tries "-rm $name" "-rm $name-2" "-rm $name-3" "-rm $name-4" "-rmdir $name-5" || :
    tell_changes
}

# try WHAT LINE…
try() {
    what=$1 && shift
    ! sftp_tries "$@" || allowed="$allowed${allowed:+, }$what"
}

tell_changes() {
    if [ -z "$allowed" ]; then
        passed "$login@$host" 'is append-only'
        no_rules
    elif [ -n "$append" ]; then
        finding 1 "$login@$host" "can change what is stored ($allowed)" "$there_set_up"
    else
        passed "$login@$host" "is plain, it can change what is stored ($allowed)"
    fi
}

# no_rules: where files can only be added, nothing can be removed from here.
no_rules() {
    rules=$(for name in $(conf_stored); do conf_rules "$name"; done)
    [ -z "$rules" ] ||
        finding 1 "$config" "keep: $login@$host can only add files, which moo prune-remote removes there" \
            "sed -i '/^ *keep /d; /^ *keep *=/d' $(shown "$config")"
}
