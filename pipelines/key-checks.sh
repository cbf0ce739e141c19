# shellcheck shell=sh disable=SC2154
# What the doctor checks of the keys: the certificates of the backups, that their secret halves are
# elsewhere, the seal, the recovery kit. Sourced by doctor.sh.

# How many days before its end an expiring certificate is told of.
notice=60

# key_facts KEY: what gpg tells of a certificate, given as a file or a fingerprint.
key_facts() {
    # shellcheck disable=SC2016 # for the inner shell
    owners sh -c 'if [ -f "$1" ]; then cat -- "$1"; else gpg --no-autostart --batch -q --export -- "$1"; fi |
        gpg --no-autostart --homedir "$2/gnupg" --batch -q --with-colons --with-keygrip --show-keys' \
        sh "$1" "$work" 2>/dev/null || :
}

# facts_of FIELD-NAME FACTS: such as each `fpr`.
facts_of() { printf '%s\n' "$2" | sed -n "s/^$1:*\([^:]*\):.*/\1/p"; }

# tries WORDS…: moo-encrypt, as the user, with those words and two small files; its message.
tries() {
    # shellcheck disable=SC2016 # for the inner shell
    owners sh -c 'PATH=$1:$PATH && folder=$2 && shift 2 &&
        moo-scan "$folder" | moo-sign | moo-pack | moo-encrypt "$@"' \
        sh "$here" "$work/files" "$@" 2>&1 >/dev/null | sed -n '1s/^moo-[a-z]*: //p'
}

# check_certificates: each can be encrypted to, for some time yet, and nobody here can decrypt.
check_certificates() {
    grips=''
    for key in $(conf_list encrypt-key); do
        facts=$(key_facts "$key")
        grips="$grips$(facts_of grp "$facts")$newline"
        check_certificate "$key"
    done
    check_secret
}

# check_certificate KEY
check_certificate() {
    why=$(tries --encrypt-key "$1")
    if [ -n "$why" ]; then
        finding 6 "$1" "${why#"$1: "}" "$(mend_certificate "$1")"
        return 0
    fi
    last=$(last_day)
    if [ "$last" -lt $(($(date +%s) + notice * 86400)) ]; then
        finding 6 "$1" "expires on $(date -u -d "@$last" +%F)" "$(mend_certificate "$1")"
    else
        passed "$1" 'can be encrypted to'
    fi
}

# mend_certificate KEY: the kit has one that is lost; in place of another one comes a new key.
mend_certificate() {
    from_kit="tar -xOf $(shown "${kit:-KIT}") moobacker-kit/backup.cert.pgp |"
    case ${facts:+there}$1 in
        there/*) echo "mv $(shown "$1" "$1.old") && $set_up --host-key FINGERPRINT --kit NEW-KIT" ;;
        /*) echo "$from_kit install -m 644 /dev/stdin $(shown "$1")" ;;
        there*) echo "runuser -u $owner -- gpg --quick-set-expire $1 2y '*'" ;;
        *) echo "$from_kit runuser -u $owner -- gpg --import" ;;
    esac
}

# The last second of the certificate: of its primary key, or of the encryption key that lasts longest.
last_day() {
    printf '%s\n' "$facts" | awk -F : '
        function end() { return $7 == "" ? 9999999999 : $7 }
        $1 == "pub" { all = end() }
        ($1 == "pub" || $1 == "sub") && $12 ~ /e/ && $2 !~ /[er]/ && end() > keys { keys = end() }
        END { printf "%.0f\n", all + 0 < keys + 0 ? all : keys }'
}

# check_secret: no keyring and no file here has the secret half.
check_secret() {
    found=''
    set +f
    for store in /root/.gnupg "$home"/.gnupg /home/*/.gnupg; do
        for grip in $grips; do
            file=$store/private-keys-v1.d/$grip.key
            [ ! -e "$file" ] || found="$found $(shown "$file")"
        done
    done
    set -f
    found=$found$(secret_files)
    if [ -n "$found" ]; then
        first=${found# }
        finding 6 "${first%% *}" 'who takes this machine can read its backups by this secret key' "shred -u$found"
    else
        passed 'the secret key' 'is not on this machine'
    fi
}

# secret_files: files where keys are usually left, if they hold one of those.
secret_files() {
    find /etc/moobacker "$home" /root /home /dev/shm /tmp -xdev -maxdepth 4 -type f -size -64k \
        -exec grep -lsE 'BEGIN PGP PRIVATE KEY BLOCK' {} + 2>/dev/null | while read -r file; do
        held=$(gpg --no-autostart --homedir "$keyring" --batch -q --no-permission-warning --no-options --with-colons \
            --with-keygrip --show-keys <"$file" 2>/dev/null) || :
        for grip in $(facts_of grp "$held"); do
            case $newline$grips in *"$newline$grip$newline"*) shown "$file" && break ;; esac
        done
    done | sed 's/^/ /' | tr -d '\n'
}

# check_seal: the key that seals is there and signs, and its certificate is the one that is kept.
check_seal() {
    seal=$(conf_get seal-key)
    if [ -z "$seal" ]; then
        passed 'the seal' 'there is none' && return 0
    fi
    sound=$(conf_list encrypt-key | while read -r key; do
        [ -n "$(tries --encrypt-key "$key")" ] || { echo "$key" && break; }
    done)
    [ -n "$sound" ] || return 0
    why=$(tries --encrypt-key "$sound" --seal-key "$seal")
    cert=/etc/moobacker/seal.cert.pgp
    if [ -n "$why" ]; then
        finding 6 "$seal" "${why#"$seal: "}" "rm -f $(shown "${seal%.secret.pgp}").* && mv $cert $cert.old && $set_up"
        return 0
    fi
    case $seal in "$home"/*) private "$seal" 600 || return 0 ;; esac
    if [ "$(facts_of fpr "$(key_facts "$cert")" | sed 1q)" != "$(facts_of fpr "$(key_facts "$seal")" | sed 1q)" ]; then
        finding 6 "$cert" "is not the certificate of $seal" "rm -f $cert && $set_up"
        return 0
    fi
    passed "$seal" 'signs the seals'
}

# check_kit: it opens, its key decrypts, and it is the key of the configuration.
check_kit() {
    set -- --check
    [ -z "$passphrase_file" ] || set -- "$@" --passphrase-file "$passphrase_file"
    status=0
    why=$("$here/recovery-kit.sh" "$@" "$kit" 2>&1) || status=$?
    new_kit='moo recovery-kit --secret-key FILE OUTPUT'
    if [ "$status" != 0 ]; then
        why=$(printf '%s\n' "${why#recovery-kit.sh: }" | sed 1q)
        finding "$status" "${why%%: *}" "${why#*: }" "$new_kit"
        return 0
    fi
    held=$(tar -xOf "$kit" moobacker-kit/backup.cert.pgp | gpg --no-autostart --homedir "$keyring" --no-options \
        --batch -q --with-colons --show-keys 2>/dev/null) || :
    for key in $(conf_list encrypt-key); do
        fresh=$(key_facts "$key" | awk -F : '$1 == "fpr" { print $10 }' | sort)
        old=$(printf '%s\n' "$held" | awk -F : '$1 == "fpr" { print $10 }' | sort)
        [ "$fresh" != "$old" ] || { passed "$kit" 'opens, and its key decrypts' && return 0; }
    done
    finding 6 "$kit" "does not have the key that $config encrypts to" "$new_kit"
}
