# shellcheck shell=sh
# The parts of a recovery kit, and where they come from. What belongs to the user who makes the
# backups is read as that user. Sourced by recovery-kit.sh, after conf.sh, steps.sh
# and privileges.sh.
# shellcheck disable=SC2154 # set by recovery-kit.sh: config, work, secret, dry_run, caller_home, key_passphrase

# run WORDS…: runs a command, or prints it.
run() {
    if [ -z "$dry_run" ]; then "$@"; else told "$@"; fi
}

# fill FILE WORDS…: runs a command with its output in FILE, or prints that.
fill() {
    file=$1 && shift
    if [ -z "$dry_run" ]; then "$@" >"$file"; else echo "$(told "$@") >$file"; fi
}

# told WORDS…: the command as it could be typed.
told() {
    case $1 in
        as_user | owners)
            shift
            [ -z "$user" ] || set -- sudo -u "$user" "$@"
            ;;
    esac
    shown "$@"
}

# look FILE WORDS…: the same for what takes no secret, which even a dry run does, in its own folder.
look() {
    [ -z "$dry_run" ] || fill "$@"
    file=$1 && shift
    ("$@") >"$file" 2>/dev/null
}

# compose NAME FUNCTION: a text of the kit.
compose() {
    if [ -z "$dry_run" ]; then "$2" >"$work/moobacker-kit/$1"; else echo "# $1 is composed"; fi
}

# owners WORDS…: as_user, but in a process of its own.
owners() (as_user "$@")

last_line() { tail -n 1 "$1"; }

# fingerprint_of FILE: of the first key in it.
fingerprint_of() {
    gpg --homedir "$work/home" --batch -q --with-colons --show-keys "$1" 2>/dev/null |
        sed -n 's/^fpr:*\([^:]*\):.*/\1/p' | head -n 1
}

# certificate KEY FILE: writes the public part of a key, given by file or fingerprint, to FILE.
certificate() {
    if [ -f "$1" ]; then
        look "$work/raw" as_user cat -- "$1" || fail 6 "$1: not readable"
    else
        look "$work/raw" as_user gpg --batch -q --export "$1" || :
    fi
    found=$(fingerprint_of "$work/raw")
    [ -n "$found" ] || fail 6 "$1: no such certificate"
    # It may be a file with the secret half: that goes through a keyring and stays there.
    gpg --homedir "$work/home" --batch -q --import "$work/raw" 2>/dev/null || :
    look "$2" gpg --homedir "$work/home" --batch -q --export "$found"
    rm -f "$work/raw"
}

# gather_key: the certificate that backups are encrypted to and its secret key. Where there are
# several, one is enough: the first whose secret key is there.
gather_key() {
    fingerprint='' given=''
    [ -z "$secret" ] || given=$(fingerprint_of "$secret")
    [ -z "$secret" ] || [ -n "$given" ] || fail 6 "$secret: no secret key"
    conf_all encrypt-key >"$work/keys"
    while [ -z "$fingerprint" ] && IFS= read -r key; do
        certificate "$key" "$work/moobacker-kit/backup.cert.pgp"
        take_secret "$found" && fingerprint=$found
    done <"$work/keys"
    [ -n "$fingerprint" ] && return
    [ -z "$secret" ] || fail 6 "$secret: not the key that $config encrypts to"
    fail 6 "$found: no secret key here (give it with --secret-key)"
}

# take_secret FINGERPRINT: from the file that was given, or from one of the two keyrings.
take_secret() {
    into=$work/secrets/backup.secret.pgp
    if [ -n "$secret" ]; then
        [ "$given" = "$1" ] && fill "$into" cat -- "$secret"
    elif owners gpg --batch -q --list-secret-keys "$1" >/dev/null 2>&1; then
        export_secret "$1" owners gpg
    elif gpg --homedir "$caller_home" --batch -q --list-secret-keys "$1" >/dev/null 2>&1; then
        export_secret "$1" gpg --homedir "$caller_home"
    else
        return 1
    fi
}

# export_secret FINGERPRINT GPG…: a key that is locked stays so, but its passphrase is needed.
export_secret() {
    key=$1 && shift
    [ -z "$key_passphrase" ] || set -- "$@" --batch --passphrase-fd 3
    fill "$into" "$@" -q --pinentry-mode loopback --export-secret-keys "$key" \
        3<"$work/key-passphrase" 2>"$work/log" || :
    [ -n "$dry_run" ] || [ -s "$into" ] || fail 6 "$key: not exported: $(last_line "$work/log")"
}

# gather_store: the way to the store: $folder, and for SFTP $host, $port, $login, the keys of both
# sides and a configuration of ssh that names them.
gather_store() {
    remote=$(conf_remote) host=''
    case $remote in
        file://*) folder=${remote#file://} ;;
        sftp://*) gather_ssh "${remote#sftp://}" ;;
        *) fail 2 "$remote: neither sftp: nor file:" ;;
    esac
    folder=${folder%/}
    case $folder in
        *[!A-Za-z0-9._/@+,=:-]* | -*) fail 2 "$remote: a folder of letters, digits and . _ / @ + , = : - is needed" ;;
    esac
}

gather_ssh() {
    place=${1%%/*} folder=${1#"${1%%/*}"} folder=${folder#/}
    read_ssh "$place"
    name=${alias:-$host}
    [ -n "$alias" ] || [ "$port" = 22 ] || name="[$host]:$port"
    take_identity
    take_known_hosts "$name"
    compose ssh_config ssh_config
}

# read_ssh [USER@]HOST[:PORT]: what the user's own ssh makes of it.
read_ssh() {
    set -- "ssh://$1" "$HOME/.ssh/config"
    [ -f "$2" ] || set -- "$1" none
    look "$work/ssh" as_user ssh -F "$2" -G "$1" || fail 2 "$remote: not a host that ssh understands"
    host=$(ssh_says hostname) port=$(ssh_says port) login=$(ssh_says user) alias=$(ssh_says hostkeyalias)
}

ssh_says() { sed -n "s/^$1 //p" "$work/ssh" | head -n 1; }

# The first identity that is there.
take_identity() {
    sed -n 's/^identityfile //p' "$work/ssh" | sed "s:^~/:$HOME/:; s:%d:$HOME:" >"$work/identities"
    while IFS= read -r identity; do
        owners test -f "$identity" || continue
        fill "$work/secrets/ssh_key" owners cat -- "$identity"
        return
    done <"$work/identities"
    fail 6 "$remote: no SSH key for it in $HOME/.ssh"
}

# take_known_hosts NAME: what the user knows of the store's host.
take_known_hosts() {
    for file in "$HOME/.ssh/known_hosts" $(ssh_says userknownhostsfile) $(ssh_says globalknownhostsfile); do
        look "$work/known" as_user ssh-keygen -F "$1" -f "$file" || continue
        grep -v '^#' "$work/known" >"$work/moobacker-kit/known_hosts" && return
    done
    fail 6 "$remote: its host key is not known to $HOME/.ssh/known_hosts"
}

ssh_config() {
    cat <<TEXT
Host store
    HostName $host
    Port $port
    User $login
    IdentityFile secrets/ssh_key
    IdentitiesOnly yes
    UserKnownHostsFile known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
TEXT
    [ -z "$alias" ] || echo "    HostKeyAlias $alias"
}

# gather_rest: the seal's certificate, the configuration, the script and the page.
gather_rest() {
    seal=$(conf_all seal-key) locked=''
    # shellcheck disable=SC2034 # for the page
    [ -n "$dry_run" ] || ! is_locked "$work/secrets/backup.secret.pgp" || locked=yes
    [ -z "$seal" ] || certificate "$seal" "$work/moobacker-kit/seal.cert.pgp"
    fill "$work/moobacker-kit/${config##*/}" cat -- "$config"
    fill "$work/moobacker-kit/rescue.sh" cat "$here/rescue.sh"
    conf_sources | while IFS= read -r name; do
        for value in $(conf_rows "$name" identity); do echo "$name $value"; done
    done >"$work/identities"
    [ ! -s "$work/identities" ] || fill "$work/moobacker-kit/identities" cat "$work/identities"
    compose README.txt kit_page
}

# is_locked FILE: the secret key in it has a passphrase.
is_locked() {
    gpg --homedir "$work/home" --batch -q --list-packets "$1" 2>/dev/null | grep -q 'S2K'
}
