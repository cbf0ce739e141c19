//! The text of a seal is one that `sha256sum` checks.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use archive::{Identity, Labels, Seal, SealedFile};

/// The hash of a file by the tool of that name.
fn hash(tool: &str, folder: &Path, name: &str) -> String {
    let done = Command::new(tool).arg(name).current_dir(folder).output().unwrap();
    String::from_utf8(done.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn check(folder: &Path) -> Output {
    let tool = &mut Command::new("sha256sum");
    tool.args(["--check", "--strict", "--warn", "text"]).current_dir(folder).output().unwrap()
}

#[test]
fn sha256sum_checks_the_files_of_a_seal() {
    let folder = tempfile::tempdir().unwrap();
    let set = "inc 20261122T201340Z to 20261123T201340Z".parse().unwrap();
    let identity: Identity = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let mut seal = Seal {
        set,
        previous: Some("0".repeat(64)),
        identity: Some(identity),
        origin: Some(identity.origin(b"barn", b"/etc")),
        labels: Labels::new(&[b"before the move", &b"\xff"[..]], Some(b"two\nlines")).unwrap(),
        passphrase: Some("a1".repeat(40)),
        files: Vec::new(),
    };
    for (name, is_volume) in [("duplicity-inc.A.vol1.difftar.gpg", true), ("b c", false)] {
        fs::write(folder.path().join(name), name).unwrap();
        let sha256 = hash("sha256sum", folder.path(), name);
        let sha1 = is_volume.then(|| hash("sha1sum", folder.path(), name));
        seal.files.push(SealedFile {
            name: name.into(),
            sha256,
            sha1,
            size: Some(name.len() as u64),
            checkpoints: is_volume.then(|| "0f".repeat(64)),
        });
    }
    fs::write(folder.path().join("text"), seal.encode()).unwrap();
    assert_eq!(Seal::parse(&seal.encode()), Ok(seal));
    let good = check(folder.path());
    assert!(good.status.success() && good.stderr.is_empty(), "{good:?}");
    fs::write(folder.path().join("b c"), "spoilt").unwrap();
    assert!(!check(folder.path()).status.success());
}
