//! What the doctor finds out about the keys, and about the recovery kit.

use tests::Sandbox;
use tests::machine::Network;

use super::{KIT, Pair};

/// What is broken, what is told of it, and what mends it where that can't be told.
const KEYS: &[(&str, &str, &str)] = &[
    ("rm /etc/moobacker/backup.cert.pgp", "backup.cert.pgp: no such file or directory", ""),
    ("rm /var/lib/moobacker/seal.secret.pgp", "seal.secret.pgp: no such file or directory", ""),
    ("cp /etc/moobacker/backup.cert.pgp /etc/moobacker/seal.cert.pgp", "is not the certificate of", ""),
    (
        "moo keygen --no-passphrase /root/other >/dev/null; mv /etc/moobacker/backup.cert.pgp /root
        cp /root/other.cert.pgp /etc/moobacker/backup.cert.pgp; mv /root/other.secret.pgp /tmp",
        "/tmp/other.secret.pgp: who takes this machine can read its backups by this secret key: its owner",
        "rm /tmp/other.secret.pgp",
    ),
    (
        "moo keygen --no-passphrase /root/ours >/dev/null; cp /root/ours.cert.pgp /etc/moobacker/backup.cert.pgp
        gpg -q --batch --import /root/ours.secret.pgp && rm /root/ours.secret.pgp",
        "can read its backups by this secret key: shred -u /root/.gnupg/private-keys-v1.d/",
        "",
    ),
];

#[test]
fn what_is_wrong_with_keys_is_told_and_mended() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::with_folder(&network);
    for (breaking, what, by_hand) in KEYS {
        pair.tells(breaking, "", what, by_hand);
    }
    let kit = pair.doctor(KIT).fails_with(6).one_message();
    kit.stderr_has("/root/kit.tar: does not have the key that");
    pair.local.sh("cp /root/backup.cert.pgp /etc/moobacker && echo wrong >/root/wrong").silent();
    pair.doctor(KIT).silent();
    let wrong = pair.doctor("--kit /root/kit.tar --passphrase-file /root/wrong");
    wrong.fails_with(6).one_message().stderr_has("wrong passphrase");
}
