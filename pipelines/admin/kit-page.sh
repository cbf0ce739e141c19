# shellcheck shell=sh
# README.txt of a recovery kit: for somebody under stress, with a bare machine. Each line that is
# indented by four is a command that can be typed as it stands; the words between tell what it prints.
# Sourced by recovery-kit.sh, which sets what is known of key and store.
# shellcheck disable=SC2154 # set by kit-parts.sh

kit_page() {
    page_head
    page_kit
    page_fetch
    page_restore
    page_end
    page_shorter
}

# each_source TEXT: the text once for each source, with NAME and PATH replaced.
each_source() {
    conf_stored | while IFS= read -r name; do
        path=$(conf_rows "$name" source)
        identity=$(conf_rows "$name" identity)
        [ "$path" != - ] || path='the output of commands'
        path=$(printf '%s\n' "$path" | sed 's/[&\\|]/\\&/g')
        printf '%s\n' "$1" | sed "s|NAME|$name|g; s|PATH|$path|g; s| IDENTITY|${identity:+ --identity $identity}|g"
    done
}

page_head() {
    cat <<TEXT
RECOVERY KIT for the backups of $(uname -n), made on $(date -u +%Y-%m-%d)

With this kit and its passphrase you can restore:

$(each_source '  NAME  which was PATH')

The backups are in $remote.
$(each_other_store)
You need a Debian machine with gpg, tar, rdiff and sftp. Lines with an indentation
of four are commands. Type them one after the other, in the folder of this page. If
one fails, stop and read the text below it. None of them changes the backups, so you
can start again at any time.

TEXT
}

# each_other_store: where else backups are, a line each.
each_other_store() {
    set -- "$store"
    for store in $(conf_stores); do
        [ "$store" = "$1" ] || printf 'There are more in %s: %s.\n' "$(conf_remote)" "$(conf_stored | paste -s -d ' ' -)"
    done
    store=$1
}

page_kit() {
    cat <<TEXT
1. Check the kit.

    sha256sum -c SHA256SUMS

It prints a line for each file, which ends with OK. If it prints FAILED, this copy
is damaged: use another one.

2. Find the tools.

    which gpg tar rdiff sftp

It prints four lines. If not: apt-get install gnupg tar rdiff openssh-client

3. Open the secrets. gpg asks for the passphrase of the kit.

    gpg -o secrets.tar -d secrets.tar.gpg
    tar -xf secrets.tar

"encrypted with 1 passphrase" means success. "decryption failed: Bad session key"
means a wrong passphrase: try again.

4. Import the key into gpg.

    gpg --batch --import secrets/backup.secret.pgp backup.cert.pgp${seal:+ seal.cert.pgp}

It prints "secret keys imported: 1", or "unchanged: 1" the second time.${locked:+
gpg asks for a passphrase in step 6: that of the kit again, unless somebody gave the key another one.}

TEXT
}

page_fetch() {
    if [ -n "$host" ]; then page_sftp; else page_copy; fi
}

page_copy() {
    cat <<TEXT
5. Copy the backups from $folder, or from where that folder is now.

    mkdir -p store
$(each_source "    cp -R $folder/NAME store")

They print nothing.

TEXT
}

page_sftp() {
    cat <<TEXT
5. Fetch the backups from $host.

    mkdir -p store
$(each_source "    sftp -F ssh_config -r store:${folder:+$folder/}NAME store")

It prints "Connected to store.", and the fetched files. If it prints

* "Permission denied": $host accepts this key from some addresses only. As root
  there, add this machine's address to from="..." in
  /etc/ssh/authorized_keys.d/$login,
  or use a machine with an accepted address. Or bring the folders on a disk, as
  $(each_source 'store/NAME' | paste -s -d ' ' -).
* "Host key verification failed": this is not the known $host, which has the key
  $(fingerprints | paste -s -d ' ' -).
  If it was installed anew, compare the fingerprint at its console:
  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
  Then put its new key into known_hosts.
* "timed out", "refused", "Could not resolve": the host or the network is down, or
  its address has changed: ssh_config has the address (HostName) and the port.

TEXT
}

fingerprints() {
    ssh-keygen -lf "$work/moobacker-kit/known_hosts" | sed 's/^[^ ]* \([^ ]*\) .*/\1/'
}

page_restore() {
    cat <<TEXT
6. Restore the newest state; run this as root to restore owners.

    mkdir -p restored
$(each_source '    sh rescue.sh store/NAME restored/NAME')

If it prints nothing, the files are below restored. "damaged" and "another backup"
mean that the folder belongs to another source: find the right one among the others.
"damaged" and "missing" name a file: delete its folder in store and fetch it again.
If that does not help, use an older state. "DEST must not exist": delete that folder
in restored first.

7. For an older state, list the times of the states (UTC),

$(each_source "    ls store/NAME | sed -n 's/.*\\.\\([0-9T]*Z\\)\\.manifest.*/\\1/p'")

and replace TIME by one of them, twice:

$(each_source '    sh rescue.sh store/NAME restored/NAME-TIME TIME')

TEXT
}

page_end() {
    cat <<TEXT
8. Copy the files that you need from restored. Do not copy a whole /etc over that of
a new machine. ${config##*/} is the configuration of the backups. At the end, delete
the secrets from this machine.

    rm -r secrets secrets.tar
    gpg --batch --yes --delete-secret-and-public-key $fingerprint

TEXT
}

page_shorter() {
    cat <<TEXT
SHORTER WAYS, before step 8

With duplicity (apt-get install duplicity), instead of step 6; it asks for a
passphrase: $(if [ -n "$locked" ]; then echo 'that of the kit again, or of the key if it has another one'; else echo 'just press Enter'; fi)

$(each_source "    duplicity restore file://\$PWD/store/NAME restored/NAME-by-duplicity")

With moobacker, instead of steps 4 to 6:

$(each_source "    moo restore --secret-key secrets/backup.secret.pgp${seal:+ --seal-key seal.cert.pgp} IDENTITY$(page_url) restored/NAME-by-moo")
TEXT
}

page_url() {
    if [ -n "$host" ]; then printf ' --ssh-config ssh_config sftp://store/%s' "${folder:+$folder/}NAME"
    else printf ' file://%s' "$folder/NAME"; fi
}
