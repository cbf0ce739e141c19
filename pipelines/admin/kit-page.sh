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
    conf_sources | while IFS= read -r name; do
        path=$(conf_get source "$name")
        identity=$(conf_list identity "$name")
        path=$(printf '%s\n' "$path" | sed 's/[&\\|]/\\&/g')
        printf '%s\n' "$1" | sed "s|NAME|$name|g; s|PATH|$path|g; s| IDENTITY|${identity:+ --identity $identity}|g"
    done
}

page_head() {
    cat <<TEXT
RECOVERY KIT for the backups of $(uname -n), made on $(date -u +%Y-%m-%d)

With this kit and its passphrase you get back:

$(each_source '  NAME  which was PATH')

The backups are in $remote.
You need a Debian machine with gpg, tar, rdiff and sftp; nothing else. Lines that
are indented by four are commands. Type them one after the other, in the folder of
this page. Where one fails, do not go on: read what is said below it. Nothing that
you do here changes the backups; you can begin again at any time.

TEXT
}

page_kit() {
    cat <<TEXT
1. Check the kit.

    sha256sum -c SHA256SUMS

It prints a line for each file, which ends with OK. If it prints FAILED, this copy
is damaged: take another one.

2. Look for the tools.

    which gpg tar rdiff sftp

It prints four lines. If not: apt-get install gnupg tar rdiff openssh-client

3. Open the secrets. gpg asks for the passphrase of the kit.

    gpg -o secrets.tar -d secrets.tar.gpg
    tar -xf secrets.tar

"encrypted with 1 passphrase" is good. "decryption failed: Bad session key": it was
another passphrase; again.

4. Give the key to gpg.

    gpg --batch --import secrets/backup.secret.pgp backup.cert.pgp${seal:+ seal.cert.pgp}

It prints "secret keys imported: 1", or "unchanged: 1" the second time.${locked:+
This key has a passphrase of its own, for which gpg asks in step 6.}

TEXT
}

page_fetch() {
    if [ -n "$host" ]; then page_sftp; else page_copy; fi
}

page_copy() {
    cat <<TEXT
5. Copy the backups from $folder, wherever that folder is now.

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

It prints "Connected to store.", and what it fetches. But if it prints

* "Permission denied": $host lets this key in from some addresses only. As
  root there, add this machine's to from="..." in /etc/ssh/authorized_keys.d/$login,
  or go on at a machine that is let in. Or carry the folders here on a disk, as
  $(each_source 'store/NAME' | paste -s -d ' ' -).
* "Host key verification failed": it is not the $host that was known, by
  $(fingerprints | paste -s -d ' ' -).
  Was it set up anew? Then put its new key into known_hosts, once you have compared
  the fingerprint with that at its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
* "timed out", "refused", "Could not resolve": it or the network is down, or has
  moved: ssh_config has its address (HostName) and port.

TEXT
}

fingerprints() {
    ssh-keygen -lf "$work/moobacker-kit/known_hosts" | sed 's/^[^ ]* \([^ ]*\) .*/\1/'
}

page_restore() {
    cat <<TEXT
6. Restore the newest state; as root, to get owners back.

    mkdir -p restored
$(each_source '    sh rescue.sh store/NAME restored/NAME')

It prints nothing: all is well, the files are below restored. "damaged" and
"another backup": the folder is not that of the source; look for the right one
among the others. "damaged" and "missing" name a file: remove its folder in store
and fetch it once more. If it
stays so, take an older state. "DEST must not exist": remove that folder in
restored first.

7. For an older state, list the times (UTC) that there are,

$(each_source "    ls store/NAME | sed -n 's/.*\\.\\([0-9T]*Z\\)\\.manifest.*/\\1/p'")

and put one of them in place of TIME, twice:

$(each_source '    sh rescue.sh store/NAME restored/NAME-TIME TIME')

TEXT
}

page_end() {
    cat <<TEXT
8. Copy what you need from restored to where it belongs. Do not copy a whole /etc
over that of a new machine. backup.conf tells how the backups were made. At the very
end take the secrets off this machine again.

    rm -r secrets secrets.tar
    gpg --batch --yes --delete-secret-and-public-key $fingerprint

TEXT
}

page_shorter() {
    cat <<TEXT
SHORTER WAYS, before step 8

With duplicity (apt-get install duplicity), instead of step 6; it asks for a
passphrase: $(if [ -n "$locked" ]; then echo 'that of the key'; else echo 'just press Enter'; fi)

$(each_source "    duplicity restore file://\$PWD/store/NAME restored/NAME-by-duplicity")

With moobacker, instead of steps 4 to 6:

$(each_source "    moo restore --secret-key secrets/backup.secret.pgp${seal:+ --seal-key seal.cert.pgp} IDENTITY$(page_url) restored/NAME-by-moo")
TEXT
}

page_url() {
    if [ -n "$host" ]; then printf ' --ssh-config ssh_config sftp://store/%s' "${folder:+$folder/}NAME"
    else printf ' file://%s' "$folder/NAME"; fi
}
