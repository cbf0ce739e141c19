# shellcheck shell=sh disable=SC2034,SC2154,SC2030,SC2031
# The parts of setup-local.sh, in their order. Sourced after options.sh, conf.sh and steps.sh; the
# variables are those of setup-local.sh.


# owner_step COMMAND…: a step that the user takes, in the user's environment.
owner_step() { step setpriv --reuid "$user" --regid "$user" --init-groups --inh-caps=-all \
    --bounding-set=-all --no-new-privs --reset-env -- "$@"; }

# quietly STEP…: the step without what it prints, if it is really taken.
quietly() {
    if [ -n "$dry_run" ]; then "$@"; else "$@" >/dev/null; fi
}

# as_owner COMMAND…: the same, in a dry run too: it only looks.
as_owner() (dry_run='' && owner_step "$@")

# make_user: the user, or one that can't be logged in as and has no other home.
make_user() {
    getent passwd "$user" >/dev/null || {
        step useradd --system --user-group --home-dir "$home" --shell /usr/sbin/nologin \
            --password '*' "$user"
        step install -d -m 700 -o "$user" -g "$user" "$home"
        return
    }
    nobody_logs_in_as "$user"
    at=$(getent passwd "$user" | cut -d : -f 6)
    [ "$at" = "$home" ] || fail 1 "$user: has the home $at, not $home: choose another --user"
    [ -e "$home" ] || step install -d -m 700 -o "$user" -g "$user" "$home"
    [ ! -e "$home" ] || [ "$(stat -c '%U %A' -- "$home")" = "$user drwx------" ] ||
        fail 1 "$home: is not private to $user (chown $user, chmod 700)"
}

# make_ssh_key: the key that logs in to the other machine.
make_ssh_key() {
    [ ! -e "$home/.ssh/id_ed25519" ] || return 0
    owner_step mkdir -p -m 700 "$home/.ssh"
    owner_step ssh-keygen -q -t ed25519 -N '' -C "$user@$(hostname)" -f "$home/.ssh/id_ed25519"
}

# make_seal_key: the key that signs what is stored, and its public half for those who restore.
make_seal_key() {
    [ -e "$home/seal.secret.pgp" ] ||
        quietly owner_step "$here/moo" keygen --sign-only "$home/seal"
    [ ! -e "$etc/seal.cert.pgp" ] || return 0
    step mkdir -p "$etc"
    # The user might have made a link of it, which root must not follow.
    certificate=$(owner_step cat "$home/seal.cert.pgp") || exit 1
    printf '%s\n' "$certificate" | put 644 "$etc/seal.cert.pgp"
}

# make_configuration: the configuration, or one that already names all that was given.
make_configuration() {
    config=$(conf_default)
    if [ -e "$config" ]; then
        conf_read "$config"
        check_configuration
        return
    fi
    [ -n "$remote" ] || fail 2 '--remote: the URL of the backups is needed (see --help)'
    case $remote in
        sftp://?*@?*/?*) ;;
        sftp://*) fail 2 "--remote: $remote: names no user and folder (such as sftp://purrbackups@host/backups)" ;;
    esac
    [ -n "$given" ] || fail 2 '--source: what to back up is needed (see --help)'
    text=$(configuration)
    step mkdir -p "$etc"
    # The reader tells what is wrong with the words.
    conf_read - <<TEXT
$text
TEXT
    printf '%s\n' "$text" | put 644 "$config"
}

configuration() {
    cat <<TEXT
# What is backed up, and where to: see moobacker.toml(5).
user = $(in_quotes "$user")
encrypt-key = "$etc/backup.cert.pgp"
seal-key = "$home/seal.secret.pgp"
full-if-older-than = "1M"

[stores.main]
url = $(in_quotes "$remote")
TEXT
    if [ -n "$plain" ]; then
        cat <<TEXT
# Sets that neither rule keeps are deleted after a good backup, see moo-prune(1).
keep = { full = 4, older-than = "6M" }
TEXT
    else
        cat <<TEXT
# The account there can only add files. Root deletes old ones there.
append-only = true
TEXT
    fi
    cat <<TEXT

# What moo run-checks checks: the age of the newest set; names, seals and a share of the hashes.
[checks]
max-age = "8D"
verify = "1W"
TEXT
    printf '%s' "$given" | while IFS='=' read -r name path; do
        printf '\n[sources.%s]\npath = %s\n' "$name" "$(in_quotes "$path")"
        echo "identity = \"$(od -A n -v -t x1 -N 16 /dev/urandom | tr -d ' \n')\""
    done
}

# in_quotes TEXT: as TOML has it.
in_quotes() { printf '"%s"\n' "$(printf '%s\n' "$1" | sed 's/[\\"]/\\&/g')"; }

check_configuration() {
    by_hand="$config: is there, and is left as it is: change it by hand"
    named=$(conf_all user)
    case $named in '' | "$user") ;; *) fail 1 "$config: has the user $named: pass --user $named" ;; esac
    [ -z "$remote" ] || [ "$(conf_remote)" = "${remote%/}" ] || fail 1 "$by_hand: the store $remote"
    [ -z "$plain" ] || ! conf_append_only || fail 1 "$by_hand: append-only"
    printf '%s' "$given" | while IFS='=' read -r name path; do
        [ "$(conf_rows "$name" source)" = "$path" ] ||
            fail 1 "$by_hand: the source $name with the path $path"
    done || exit 1
}

# allow_backup: the one command that the user may run as root. sudo's own checker has to like it. The timer
# needs no sudo.
allow_backup() {
    command -v visudo >/dev/null || return 0
    allowed=$(sudo_rule "$user")
    file=/etc/sudoers.d/$user
    [ "$(cat -- "$file" 2>/dev/null)" != "$allowed" ] || return 0
    [ ! -e "$file" ] || fail 1 "$file: exists with other content: delete it first"
    printf '%s\n' "$allowed" | visudo -cqf - || fail 1 "$file: sudo does not accept it"
    printf '%s\n' "$allowed" | put 440 "$file"
}

# host_and_port: from the URL, as ssh-keyscan and known_hosts want them.
host_and_port() {
    host=${remote#sftp://} && host=${host%%/*} && host=${host##*@} port=22
    case $host in
        *]:*) port=${host##*:} host=${host%:*} ;;
        *]) ;;
        *:*) port=${host##*:} host=${host%:*} ;;
    esac
    host=${host#[} && host=${host%]}
    known=$host
    [ "$port" = 22 ] || known="[$host]:$port"
}

# know_host: the other machine's key, if it is the one whose fingerprint was given.
know_host() {
    [ -n "$remote" ] || remote=$(conf_remote)
    case $remote in sftp://*) ;; *) fail 2 "--host-key: $remote: is not sftp" ;; esac
    host_and_port
    found=$(ssh-keyscan -T 10 -p "$port" "$host" 2>/dev/null) || found=''
    [ -n "$found" ] || fail 8 "$known: does not answer"
    line=$(printf '%s\n' "$found" | while read -r line; do
        print=$(printf '%s\n' "$line" | ssh-keygen -lf - 2>/dev/null | cut -d ' ' -f 2)
        [ "$print" != "$host_key" ] || printf '%s\n' "$line"
    done)
    [ -n "$line" ] || fail 7 "$known: has another key than $host_key: it may be another machine"
    file=$home/.ssh/known_hosts
    # The user's own commands look into the user's files.
    old=$(as_owner ssh-keygen -F "$known" -f "$file" 2>/dev/null) || old=''
    case $old in
        *"${line#* }"*) return ;;
        ?*) fail 1 "$file: has another key of $known: delete it (ssh-keygen -R)" ;;
    esac
    # shellcheck disable=SC2016 # for that shell
    owner_step sh -c 'printf "%s\n" "$1" >>"$2"' sh "$line" "$file"
}

# try_stores: the user reaches the folder of every source, by our own means and by stock ones.
try_stores() {
    for name in $(conf_sources); do
        quietly owner_step "$here/moo-fetch" --num-retries 1 --receipts "$(conf_url "$name")"
    done
    login=${remote#sftp://} && login=${login%%/*} && login=${login%@*}
    path=/${remote#sftp://*/}
    for name in $(conf_sources); do
        [ -z "$dry_run" ] || continue
        printf 'cd "%s/%s"\n' "${path%/}" "$name" |
            as_owner sftp -q -b - -P "$port" "$login@$host" >/dev/null 2>&1 ||
            fail 7 "$remote/$name: no such folder (name it to setup-remote on the other machine)"
    done
}

# check_kit: the kit can be made, where it is still to be made.
check_kit() {
    cert=$etc/backup.cert.pgp
    conf_all encrypt-key | grep -Fqx -e "$cert" || cert=''
    if [ -e "$cert" ]; then
        [ -z "$kit" ] || [ -e "$kit" ] ||
            announce "$kit: is not made, because the key is there already: moo recovery-kit makes a kit of a secret key"
        cert=''
    fi
    [ -n "$cert" ] || return 0
    [ -n "$kit" ] || fail 2 '--kit: the file for the recovery kit is needed (see --help)'
    if [ -e "$kit" ] || [ -L "$kit" ]; then fail 1 "$kit: already exists"; fi
    [ -n "$passphrase_file$dry_run" ] || { : <>/dev/tty; } 2>/dev/null ||
        fail 2 '--passphrase-file: is needed where there is no terminal'
}

# make_kit: the key that the backups are encrypted to, and the kit with its secret half, which is
# nowhere else when this is done.
make_kit() {
    [ -n "$cert" ] || return 0
    work=/dev/shm/moobacker.$(od -A n -v -t x1 -N 8 /dev/urandom | tr -d ' \n') made=''
    trap 'leave' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 131' QUIT
    trap 'exit 143' TERM
    step mkdir -m 700 "$work"
    [ -n "$passphrase_file$dry_run" ] || ask_passphrase
    quietly step "$here/moo" keygen --passphrase-file "${passphrase_file:-$work/passphrase}" "$work/backup"
    made=$cert
    step install -m 644 "$work/backup.cert.pgp" "$cert"
    step "$here/admin/recovery-kit.sh" --user "$user" --secret-key "$work/backup.secret.pgp" \
        --passphrase-file "${passphrase_file:-$work/passphrase}" "$kit"
    made=''
}

# A key without its kit is worth nothing.
leave() {
    [ -n "$dry_run" ] || rm -rf "$work" ${made:+"$made"}
}

# ask_passphrase: twice, from the terminal, into a file that nobody else can read.
ask_passphrase() {
    exec 3<>/dev/tty
    trap 'stty echo <&3; leave' EXIT
    stty -echo <&3
    printf 'A passphrase for the recovery kit: ' >&3 && IFS= read -r once <&3
    printf '\nRepeat the passphrase: ' >&3 && IFS= read -r again <&3
    stty echo <&3 && echo >&3
    trap leave EXIT
    [ -n "$once" ] || fail 6 'the passphrase is empty'
    [ "$once" = "$again" ] || fail 6 'the passphrases differ'
    (umask 077 && printf '%s\n' "$once" >"$work/passphrase")
}

# tell: what to do on the other machine, and then here.
tell() {
    [ -n "$remote" ] || remote=$(conf_remote)
    key=$(as_owner cat "$home/.ssh/id_ed25519.pub")
    login=${remote#sftp://} && login=${login%%@*}
    host_and_port
    echo "The public SSH key of $user:"
    echo "  $key"
    echo 'On the other machine run (--from is the address that this one comes from):'
    kind=--plain
    ! conf_append_only || kind=''
    # shellcheck disable=SC2046,SC2086 # names of sources have no blanks
    echo "  $(shown moo setup-remote $kind --from "$(own_address "$host")" --key "$key" --user "$login" $(conf_sources))"
    echo 'Then run here, with the fingerprint that it prints:'
    echo '  moo setup-local --host-key SHA256:... --kit FILE'
}
