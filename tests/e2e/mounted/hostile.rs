//! Archives that nobody has made by a backup.

use std::fs;

use stream::Timestamp;
use stream::member::{Kind, LINK, SIZE};
use tests::Sandbox;

use super::Mounted;
use crate::forge::{Entry, FULL, INC, deleted, entry, file, folder, link, path, put, root, tar};

/// An entry of a signature file.
fn known(mut entry: Entry) -> Entry {
    let name = String::from_utf8(entry.member.name.clone()).unwrap();
    if entry.member.kind == Kind::File && !name.starts_with("deleted/") {
        let path = name.split_once('/').unwrap().1.trim_end_matches("/1");
        entry.member.name = format!("signature/{path}").into_bytes();
    }
    entry.body.clear();
    entry
}

fn with(mut entry: Entry, annotations: &[(&'static str, &str)]) -> Entry {
    annotations.iter().for_each(|(key, value)| entry.member.annotations.set(key, value));
    entry
}

/// Names, kinds, numbers and links that no backup has, in the order of paths.
fn odd() -> Vec<Entry> {
    let mut device = entry("snapshot/device", Kind::CharDevice);
    device.member.device = (u32::MAX, u32::MAX);
    let mut early = file("snapshot/early", b"moo");
    early.member.mtime = Timestamp { secs: -(1 << 55), nanos: 999_999_999 };
    let mut owned = file("snapshot/owned", b"moo");
    (owned.member.uid, owned.member.gid) = (u64::from(u32::MAX), 1 << 40);
    vec![
        root(),
        with(file("snapshot/a", b"moo"), &[(SIZE, "18446744073709551615")]),
        with(file("snapshot/cycle1", b""), &[(LINK, "cycle2"), (SIZE, "0")]),
        with(file("snapshot/cycle2", b""), &[(LINK, "cycle1"), (SIZE, "0")]),
        device,
        early,
        link("snapshot/empty", Kind::Symlink, ""),
        link("snapshot/hard", Kind::HardLink, "a"),
        link("snapshot/long", Kind::Symlink, vec![b'x'; 5000]),
        file(format!("snapshot/{}", "n".repeat(2000)), b"moo"),
        file("snapshot/no/parent", b"moo"),
        owned,
        with(file("snapshot/self", b"moo"), &[(LINK, "self"), (SIZE, "3")]),
        folder("snapshot/stays"),
        file("snapshot/stays/file", b"moo"),
        with(file("multivol_snapshot/uneven/1", b"moo"), &[(SIZE, "7")]),
        file("multivol_snapshot/uneven/2", b" boo"),
        entry("snapshot/what", Kind::Other(b'9')),
    ]
}

/// What an increment makes of it.
fn next() -> Vec<Entry> {
    let delta = |commands: &[u8]| [&b"rs\x026"[..], commands].concat();
    vec![
        root(),
        // Copies 255 bytes of three, and from the largest place there is.
        file("diff/early", &delta(&[0x45, 0, 255, 0])),
        file("diff/no/basis", &delta(&[0x45, 0, 1, 0])),
        file("diff/owned", &delta(&[&[0x54][..], &[0xff; 16], &[0]].concat())),
        file("diff/self", b"not a delta"),
        deleted("stays"),
        file("snapshot/stays/other", b"moo"),
    ]
}

#[test]
fn what_no_backup_has_makes_no_program_fall_over() {
    let sandbox = Sandbox::new();
    put(&sandbox, FULL, &[tar(&odd())]);
    put(&sandbox, INC, &[tar(&next())]);
    let names = [(FULL, "full"), (INC, "new")].map(|(set, word)| {
        let (_, times) = set.split_once('.').unwrap();
        format!("duplicity-{word}-signatures.{times}.sigtar")
    });
    for (name, entries) in names.iter().zip([odd(), next()]) {
        let is_first = |entry: &Entry| !entry.member.name.ends_with(b"/2");
        let entries: Vec<_> = entries.into_iter().filter(is_first).map(known).collect();
        fs::write(path(&sandbox, name), tar(&entries)).unwrap();
    }
    let Some(mounted) = Mounted::new(&sandbox, "--archive-dir none --cache-size 1") else { return };
    let (first, second) = ("mnt/2020-01-01T00:00:00Z", "mnt/2020-01-02T00:00:00Z");
    let listed =
        sandbox.sh("ls -lAR mnt; getfattr -R -d -m - mnt; find mnt -type f -exec cat {} +");
    println!("{}{}", listed.err(), mounted.said());
    sandbox
        .sh(&format!("cat {first}/uneven {first}/stays/file {first}/owned"))
        .stdout_is("moo boomoomoo");
    sandbox.sh(&format!("cat {second}/uneven")).stdout_is("moo boo");
    for name in ["early", "owned", "self"] {
        sandbox.sh(&format!("cat {second}/{name}")).fails().stderr_has("Input/output error");
    }
    sandbox.sh(&format!("ls {first}/stays; ls {second}/stays")).stdout_is("file\n");
    sandbox.sh(&format!("ls {first} | grep -cE 'hard|what|nnnn|no'")).stdout_is("0\n");
    let said = mounted.said();
    assert!(!said.contains("panicked") && !said.is_empty(), "{said}");
    assert!(said.lines().all(|line| line.starts_with("moo mount: ")), "{said}");
    assert_eq!(mounted.unmount().status, 0);
}
