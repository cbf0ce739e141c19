//! The program as a whole.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn keygen(folder: &Path, args: &[&str]) -> Output {
    Command::new("setsid")
        .args(["--wait", env!("CARGO_BIN_EXE_moo-keygen")])
        .args(args)
        .current_dir(folder)
        .env_remove("PASSPHRASE")
        .env("HOME", folder)
        .stdin(Stdio::null())
        .output()
        .expect("setsid of util-linux is needed")
}

fn gpg(folder: &Path, args: &[&str]) -> Vec<u8> {
    let mut gpg = Command::new("gpg");
    gpg.args(["--batch", "--no-tty"]).args(args).current_dir(folder);
    let output = gpg.env("GNUPGHOME", folder).output().expect("gpg is needed");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A private folder with a path short enough for the socket of GnuPG's agent.
fn folder() -> tempfile::TempDir {
    let private = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix("k").permissions(private).tempdir_in("/tmp").unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_key_is_printed_stored_and_taken_by_gpg() {
    let folder = folder();
    let path = folder.path();
    std::fs::write(path.join("pass"), "meow\n").unwrap();
    let made =
        keygen(path, &["--passphrase-file", "pass", "--expires", "2Y", "--user-id", "cat", "k"]);
    assert!(made.status.success() && made.stderr.is_empty(), "{made:?}");
    let fingerprint = String::from_utf8(made.stdout).unwrap();
    let modes =
        ["k.cert.pgp", "k.secret.pgp", "k.revocation.pgp"].map(|name| mode(&path.join(name)));
    assert_eq!(modes, [0o644, 0o600, 0o600]);
    gpg(path, &["--import", "k.cert.pgp"]);
    gpg(path, &["--import", "k.secret.pgp"]);
    let list =
        String::from_utf8(gpg(path, &["--with-colons", "--list-secret-keys", "cat"])).unwrap();
    assert!(list.contains(fingerprint.trim_end()), "{list}");
    assert!(list.contains("ssb:"), "{list}");
    let mut kill = Command::new("gpgconf");
    kill.env("GNUPGHOME", path).args(["--kill", "gpg-agent"]).status().unwrap();
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = folder();
    let path = folder.path();
    for name in ["k.cert.pgp", "k.secret.pgp", "k.revocation.pgp"] {
        let file = path.join(name);
        std::fs::write(&file, "precious").unwrap();
        let refused = keygen(path, &["--no-passphrase", "k"]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(said, format!("moo-keygen: {name}: already exists\n"));
        assert_eq!(std::fs::read(&file).unwrap(), b"precious");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }
}

#[test]
fn a_key_needs_a_passphrase_unless_it_only_signs_or_is_told_otherwise() {
    let folder = folder();
    let refused = keygen(folder.path(), &["k"]);
    assert_eq!(refused.status.code(), Some(6), "{refused:?}");
    assert!(keygen(folder.path(), &["--no-passphrase", "open"]).status.success());
    assert!(keygen(folder.path(), &["--sign-only", "host"]).status.success());
    let both = ["--no-passphrase", "--passphrase-fd", "0", "k"];
    assert_eq!(keygen(folder.path(), &both).status.code(), Some(2));
    assert_eq!(
        keygen(folder.path(), &["no/such/folder/k", "--no-passphrase"]).status.code(),
        Some(1)
    );
    assert!(!folder.path().join("k.secret.pgp").exists());
}

#[test]
fn the_help_shows_the_neighbours() {
    let folder = folder();
    let help = keygen(folder.path(), &["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("moo-encrypt --encrypt-key"));
}
