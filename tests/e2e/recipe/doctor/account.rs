//! What the doctor finds out about the way to the other machine, and the account there.

use super::{BACKUP, Pair};
use tests::Sandbox;
use tests::machine::Network;

/// What is broken here, what is told of it, and what mends it where that can't be told.
const WAY: &[(&str, &str, &str)] = &[
    ("chmod 644 /var/lib/moobacker/.ssh/id_ed25519", "others have rights to it", ""),
    ("rm /var/lib/moobacker/.ssh/known_hosts", "does not know store.example.org", ""),
    (
        "mkdir -pm 700 /root/.ssh; cp /var/lib/moobacker/.ssh/id_ed25519.pub /root/.ssh/authorized_keys",
        "/root/.ssh/authorized_keys: has the SSH key of the backups too",
        "",
    ),
    (
        "runuser -u moobacker -- ssh-keygen -q -p -N locked -f /var/lib/moobacker/.ssh/id_ed25519",
        "has a passphrase",
        "runuser -u moobacker -- ssh-keygen -q -p -P locked -N '' -f /var/lib/moobacker/.ssh/id_ed25519",
    ),
    (
        "moo keygen --no-passphrase --expires 30D /root/soon >/dev/null && rm /root/soon.secret.pgp
        mv /root/soon.cert.pgp /etc/moobacker/backup.cert.pgp",
        "backup.cert.pgp: expires on 20",
        "",
    ),
    (
        "rm /root/new.tar; gpg -q --batch --passphrase '' --quick-gen-key moo rsa2048 sign,cert never 2>/dev/null
        gpg --export moo >/etc/moobacker/backup.cert.pgp
        gpgconf --kill all; rm -rf /root/.gnupg",
        "it has no encryption key",
        "",
    ),
    (
        "mv /var/lib/moobacker/.ssh/id_ed25519 /srv",
        "there is no SSH key for store.example.org",
        "mv /srv/id_ed25519 /var/lib/moobacker/.ssh",
    ),
];

#[test]
fn what_is_wrong_with_the_way_is_told_and_mended() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::backed_up(&network);
    for (breaking, what, by_hand) in WAY {
        pair.tells(breaking, "", what, by_hand);
    }
    let conf = "/etc/ssh/sshd_config.d/moobacker-purrbackups.conf";
    pair.remote.sh(&format!("rm {conf}")).silent();
    pair.remote.reload_sshd();
    pair.tells(":", "", "can't log in", "");
    pair.remote.sh("rm -r /srv/purrbackups/backups/home").silent();
    let run = pair.doctor("").fails_with(7).one_message();
    let mend = run.err().trim_end().rsplit(": ").next().unwrap().to_owned();
    pair.remote.sh(&mend).succeeds();
    pair.tells(":", "", "home: has none of this machine's backups", "");
    pair.remote.stop_sshd();
    pair.doctor("").fails_with(8).one_message();
}

#[test]
fn append_only_is_told_from_plain() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::backed_up(&network);
    let plain = ": can change what is stored (";
    pair.doctor("-v").succeeds().stdout_has("purrbackups@store.example.org: is append-only");
    let section = "/etc/ssh/sshd_config.d/moobacker-purrbackups.conf";
    let open = || {
        pair.remote.sh(&format!("sed -i 's/ internal-sftp .*/ internal-sftp/' {section}")).silent();
        pair.remote.reload_sshd();
    };
    open();
    // The configuration has it that nothing can be changed.
    pair.tells(":", "", plain, "").fails_with(1);
    let plain_one = "sed -i '/^append-only/d' /etc/moobacker/moobacker.toml";
    let only = "sed -i '/^url/a append-only = true' /etc/moobacker/moobacker.toml";
    pair.local.sh(plain_one).silent();
    open();
    pair.doctor("").silent();
    pair.tells(":", "--append-only", plain, "").fails_with(1);
    pair.local.sh(only).silent();
    pair.local.sh_as("moobacker", BACKUP).silent();
    pair.doctor("--append-only").silent();
    // To remove old sets is the business of the other machine.
    let keep = "sed -i '1i keep = { full = 1 }' /etc/moobacker/moobacker.toml";
    pair.tells(keep, "", "keep: purrbackups@store.example.org can only add files", "")
        .fails_with(1);
    let full = "sed -i -e '/^full-if-older/d' -e '1i full-if-older-than = \"1s\"' \
        /etc/moobacker/moobacker.toml; sleep 2";
    pair.local.sh(&format!("{keep}; {full}")).silent();
    // What the configuration calls append-only is not tried.
    pair.local.sh_as("moobacker", BACKUP).silent();
    pair.local.sh("sed -i '/^append-only/d' /etc/moobacker/moobacker.toml; sleep 2").silent();
    let run = pair.local.sh_as("moobacker", BACKUP).succeeds().stdout_is("");
    assert_eq!(run.err().matches("prune-remote.sh").count(), 2, "a line a source: {}", run.err());
}

#[test]
fn an_account_that_can_do_more_is_found_out() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::backed_up(&network);
    let open = "set -e
        usermod -s /bin/bash purrbackups
        conf=/etc/ssh/sshd_config.d/moobacker-purrbackups.conf; cp $conf /root/conf
        grep -E '^(#|Match)|KeysFile' /root/conf >$conf
        echo ' PasswordAuthentication yes' >>$conf
        keys=/etc/ssh/authorized_keys.d/purrbackups; cp $keys /root/keys; sed -i 's/,restrict//' $keys
        mkdir /backups && ln -s /srv/purrbackups/backups/etc /srv/purrbackups/backups/home /backups
        install -d -o purrbackups /nonexistent && ln -s /backups /nonexistent";
    pair.remote.sh(open).silent();
    pair.remote.reload_sshd();
    let run = pair.doctor("").fails_with(1).stdout_is("");
    for what in [
        "can be logged in to by more than a key (publickey,password)",
        "has a key that is not restricted (agent-forwarding port-forwarding pty user-rc x11-forwarding)",
        "runs commands",
        "gives a terminal",
        "forwards connections",
        "listens for connections",
        "can leave its folder",
    ] {
        assert!(
            run.err()
                .contains(&format!(": purrbackups@store.example.org: {what}: moo setup-remote")),
            "{what}: {}",
            run.err()
        );
    }
    let close = "rm -r /nonexistent; usermod -s /usr/sbin/nologin purrbackups
        cp /root/keys /etc/ssh/authorized_keys.d/purrbackups
        rm /etc/ssh/sshd_config.d/moobacker-purrbackups.conf";
    pair.remote.sh(close).silent();
    let mend = run.err().lines().next().unwrap().rsplit(": ").next().unwrap().to_owned();
    pair.remote.sh(&mend).succeeds();
    pair.doctor("").silent();
}
