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

/// Makes a file of the secret key that `ours` holds, without anything secret in it: each packet of a
/// secret key is a stub of GnuPG's.
const STUB: &str = r#"
import base64, sys
lines = open("/root/ours.cert.pgp").read().split("\n\n", 1)[1].split("\n")
data = base64.b64decode("".join(line for line in lines if line and line[0] not in "-="))
out, at = b"", 0
while at < len(data):
    tag, length, start = data[at] & 63, data[at + 1], at + 2
    if length >= 192:
        length, start = (length - 192) * 256 + data[at + 2] + 192, at + 3
    body, at = data[start:start + length], start + length
    if tag in (6, 14):
        tag, body = {6: 5, 14: 7}[tag], body + b"\xff\0\x65\0GNU\x01"
    size = bytes([len(body)]) if len(body) < 192 else bytes([192 + (len(body) - 192 >> 8), len(body) - 192 & 255])
    out += bytes([0xc0 | tag]) + size + body
text = base64.encodebytes(out).decode()
print(f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{text}-----END PGP PRIVATE KEY BLOCK-----")
"#;

#[test]
fn the_name_of_a_users_file_commanded_roots_terminal_and_a_stub_was_a_secret_and_neither_is_so() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::with_folder(&network);
    pair.local.sh("useradd -m alice; moo keygen --no-passphrase /root/ours >/dev/null").silent();
    pair.local.sh("cp /root/ours.cert.pgp /etc/moobacker/backup.cert.pgp").silent();
    std::fs::write(pair.local.path("/root/stub.py"), STUB).unwrap();
    let name = "$(printf '/home/alice/\\033]0;OWNED\\007\\033[2J\\rmoo doctor: curl evil')";
    // A stub holds nothing that could be lost, whatever its name.
    let stub = format!(
        "python3 /root/stub.py >\"{name}\" && chown alice \"{name}\" &&
        gpg --list-packets \"{name}\" 2>/dev/null | grep -c gnu-dummy"
    );
    pair.local.sh(&stub).stdout_is("2");
    pair.local.sh("mv /root/ours.secret.pgp /srv").silent();
    pair.doctor("").silent();
    // A secret key is named in letters, and root is sent nowhere.
    pair.local
        .sh(&format!("cp /srv/ours.secret.pgp \"{name}\" && chown alice \"{name}\""))
        .silent();
    let run = pair.doctor("").fails_with(6).one_message();
    let said = run.err();
    assert!(!said.trim_end().contains(char::is_control), "{said:?}");
    assert!(said.contains("\\x1b]0;OWNED\\x07\\x1b[2J\\x0dmoo doctor: curl evil"), "{said}");
    assert!(said.contains("its owner has to delete it") && !said.contains("shred"), "{said}");
}
