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

# weak_keys: the option that lets gpg encrypt to weak keys, if the configuration has it for every source.
weak_keys() {
    for name in $(conf_sources); do
        conf_rows "$name" option | grep -Fqx -e --allow-weak-keys || return 0
    done
    echo --allow-weak-keys
}

# check_certificates: each can be encrypted to, for some time yet, and nobody here can decrypt.
check_certificates() {
    grips=''
    for key in $(conf_all encrypt-key); do
        facts=$(key_facts "$key")
        grips="$grips$(facts_of grp "$facts")$newline"
        check_certificate "$key"
    done
    check_secret
}

# check_certificate KEY
check_certificate() {
    # shellcheck disable=SC2046 # no word, or one
    why=$(tries $(weak_keys) --encrypt-key "$1")
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
        there*)
            # With `*`, gpg skips subkeys that have expired.
            subkeys=$(printf '%s\n' "$facts" | awk -F : '$1 == "sub" { sub_key = 1 }
                $1 == "fpr" && sub_key { printf " %s", $10; sub_key = 0 }')
            extend="runuser -u $owner -- gpg --quick-set-expire $1 2y"
            echo "$extend${subkeys:+ && $extend$subkeys}"
            ;;
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
    found=$(secret_keys && secret_files)
    if [ -z "$found" ]; then
        passed 'the secret key' 'is not on this machine' && return 0
    fi
    what='who takes this machine can read its backups by this secret key'
    foreign=$(printf '%s\n' "$found" | sed -n 's/^other //p' | sed 1q)
    # Root is not sent to a path where somebody else could put another file.
    [ -z "$foreign" ] || finding 6 "$foreign" "$what" 'its owner has to delete it'
    roots=$(printf '%s\n' "$found" | sed -n 's/^root //p' | tr '\n' ' ')
    [ -z "$roots" ] || finding 6 "${roots%% *}" "$what" "shred -u ${roots% }"
}

# secret_keys: those that gpg's agents have; a stub of a key on a card is no secret.
secret_keys() (
    set +f
    for store in /root/.gnupg "$home"/.gnupg /home/*/.gnupg; do
        for grip in $grips; do
            file=$store/private-keys-v1.d/$grip.key
            [ ! -f "$file" ] || grep -qsa 'shadowed-private-key' -- "$file" || secret "$file"
        done
    done
)

# secret_files: files where keys are usually left, if they hold one of those.
secret_files() {
    find /etc/moobacker "$home" /root /home /dev/shm /tmp -xdev -maxdepth 4 -type f -size -64k \
        -exec grep -lsZE 'BEGIN PGP PRIVATE KEY BLOCK' {} + 2>/dev/null | tr '\n\0' '\001\n' |
        while read -r file; do
            file=$(printf '%s/' "$file" | tr '\001' '\n') file=${file%/}
            for grip in $(held_grips "$file"); do
                case $newline$grips in *"$newline$grip$newline"*) secret "$file" && break ;; esac
            done
        done
}

# held_grips FILE: the keygrips of the secret keys in it, without the stubs of keys that are elsewhere.
held_grips() {
    { gpg_reads --list-packets <"$1" && gpg_reads --with-colons --with-keygrip --show-keys <"$1"; } 2>/dev/null |
        LC_ALL=C awk -F : '
            /^:(secret|public) (sub )?key packet:/ { held[++packets] = /^:secret/ }
            /^\tgnu-dummy/ { held[packets] = 0 }
            $1 == "grp" && held[++keys] { print $10 }'
}

gpg_reads() {
    gpg --no-autostart --homedir "$keyring" --batch -q --no-permission-warning --no-options "$@"
}

# secret FILE: a line for a file with a secret key: `root` and the file as the shell takes it, where
# only root can change what is at that path; else `other` and the file as people read it.
secret() {
    name=$(legible "$1")
    if [ "$name" = "$1" ] && only_roots "$1"; then shown root "$1"; else printf '%s\n' "other $name"; fi
}

# check_seal: the key that seals is there and signs, and its certificate is the one that is kept.
check_seal() {
    seal=$(conf_all seal-key)
    if [ -z "$seal" ]; then
        passed 'the seal' 'there is none' && return 0
    fi
    sound=$(conf_all encrypt-key | while read -r key; do
        # shellcheck disable=SC2046 # no word, or one
        [ -n "$(tries $(weak_keys) --encrypt-key "$key")" ] || { echo "$key" && break; }
    done)
    [ -n "$sound" ] || return 0
    # shellcheck disable=SC2046 # no word, or one
    why=$(tries $(weak_keys) --encrypt-key "$sound" --seal-key "$seal")
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
    why=$("$here/admin/recovery-kit.sh" "$@" "$kit" 2>&1) || status=$?
    new_kit='moo recovery-kit --secret-key FILE OUTPUT'
    if [ "$status" != 0 ]; then
        why=$(printf '%s\n' "${why#moo recovery-kit: }" | sed 1q)
        finding "$status" "${why%%: *}" "${why#*: }" "$new_kit"
        return 0
    fi
    held=$(tar -xOf "$kit" moobacker-kit/backup.cert.pgp | gpg --no-autostart --homedir "$keyring" --no-options \
        --batch -q --with-colons --show-keys 2>/dev/null) || :
    for key in $(conf_all encrypt-key); do
        fresh=$(key_facts "$key" | awk -F : '$1 == "fpr" { print $10 }' | sort)
        old=$(printf '%s\n' "$held" | awk -F : '$1 == "fpr" { print $10 }' | sort)
        [ "$fresh" != "$old" ] || { passed "$kit" 'opens, and its key decrypts' && return 0; }
    done
    finding 6 "$kit" "does not have the key that $config encrypts to" "$new_kit"
}
