//! Lengths that are claimed and not there: nobody takes memory on their word.

use std::fs;

use stream::member::SIZE;
use tests::{scale, spread};

use crate::forge::{self, FULL, INC, file, patch_header, put, root, tar, untar};
use crate::memory::peaks::{BACKUP, Measured};

/// Lengths as a tar header has them: 8 GiB and 2^62 bytes.
const ABSURD: [&[u8]; 2] = [b"77777777777\0", &[0x80, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]];
/// More than any program may take.
const MORE: &str = "head -c 70M /dev/zero";

/// A sandbox with a small source and, in files, what flows behind each stage.
fn measured() -> Measured {
    let mut measured = Measured::new();
    let stages = "mkdir src && date >src/a && head -c 100000 /dev/urandom >src/b &&
        moo-scan src >1.tar && moo-sign <1.tar >2.tar && moo-delta <2.tar >3.tar &&
        moo-pack <3.tar >4.tar && moo-encrypt --no-encryption <4.tar >5.tar &&
        moo-upload file://$PWD/store <5.tar >6 && moo-commit <6 &&
        moo-fetch file://$PWD/store >7.tar && moo-decrypt <7.tar >8.tar && moo-patch out <8.tar";
    measured.does("small", stages).silent();
    measured
}

/// What reads each of the tars.
const READERS: [(usize, &str); 8] = [
    (1, "moo-sign"),
    (2, "moo-delta"),
    (3, "moo-pack"),
    (4, "moo-encrypt --no-encryption"),
    (5, "moo-upload file://$PWD/next"),
    (7, "moo-decrypt"),
    (8, "moo-patch next"),
    (8, "moo-patch --check"),
];

/// Where the header blocks of a tar are.
fn headers(tar: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while tar.get(at).is_some_and(|byte| *byte != 0) {
        found.push(at);
        let size = std::str::from_utf8(&tar[at + 124..at + 135]).unwrap();
        let size = usize::from_str_radix(size.trim_end_matches('\0').trim(), 8).unwrap();
        at += 512 + size.next_multiple_of(512);
    }
    found
}

#[test]
fn a_size_that_a_stream_claims_takes_no_memory() {
    let mut measured = measured();
    let mut count = 0;
    for (number, stage) in READERS {
        let whole = fs::read(measured.sandbox.path(format!("{number}.tar"))).unwrap();
        let all = headers(&whole);
        for at in spread(scale(4, all.len()), all.len()).iter().map(|which| all[*which]) {
            let size = ABSURD[count % 2];
            let mut claims = whole.clone();
            patch_header(&mut claims, at, 124, size);
            fs::write(measured.sandbox.path("in.tar"), claims).unwrap();
            measured.does("claims", &format!("{stage} <in.tar >out.tar")).fails();
            measured.sandbox.sh("rm -rf next store/.upload-*").silent();
            count += 1;
        }
        // A fact of a member, which says how long a file is.
        let mut entries = untar(&whole);
        entries
            .iter_mut()
            .for_each(|entry| entry.member.annotations.set(SIZE, u64::MAX.to_string()));
        fs::write(measured.sandbox.path("in.tar"), tar(&entries)).unwrap();
        drop(measured.does("claims", &format!("{stage} <in.tar >out.tar")));
        measured.sandbox.sh("rm -rf next").silent();
    }
    eprintln!("{count} headers with absurd sizes");
}

/// A sandbox with an archive, and a source that has changed since.
fn backed_up() -> Measured {
    let mut measured = Measured::new();
    let make = format!("mkdir src && truncate -s 70M src/f && {BACKUP} && touch src/f");
    measured.does("small", &make).silent();
    measured
}

#[test]
fn a_length_that_a_signature_claims_takes_no_memory() {
    let mut measured = backed_up();
    let sandbox = &measured.sandbox;
    sandbox.sh("gunzip -c archive/*.sigtar.gz >known && echo archive/*.sigtar.gz >name").silent();
    let known = untar(&fs::read(sandbox.path("known")).unwrap());
    let lengths = [64 << 20, u32::MAX, 1, 8 << 20, 1 << 31];
    for length in &lengths[..scale(2, lengths.len())] {
        let mut claims = known.clone();
        for entry in claims.iter_mut().filter(|entry| !entry.body.is_empty()) {
            entry.body[4..8].copy_from_slice(&length.to_be_bytes());
        }
        fs::write(measured.sandbox.path("claims"), tar(&claims)).unwrap();
        let delta = "gzip <claims >$(cat name) && moo-scan --archive archive src | moo-sign |
            moo-delta --archive archive >out.tar";
        measured.does("claims", delta).silent();
    }
}

#[test]
fn a_length_that_a_delta_claims_takes_no_memory() {
    let mut measured = Measured::new();
    let most = (1_u64 << 62).to_be_bytes();
    let literal = [&b"rs\x026\x44"[..], &most, b"moo"].concat();
    let copy = [&b"rs\x026\x54"[..], &[0; 8], &most, b"\0"].concat();
    for delta in [literal, copy] {
        put(&measured.sandbox, FULL, &[tar(&[root(), file("snapshot/f", &[b'x'; 5000])])]);
        put(&measured.sandbox, INC, &[tar(&[file("diff/f", &delta)])]);
        let restore = "moo restore --archive-dir . --name none file://$PWD/store out";
        measured.does("claims", restore).fails_with(5).one_message();
    }
}

#[test]
fn a_line_of_a_manifest_here_that_does_not_end_took_memory_and_is_refused() {
    let mut measured = backed_up();
    let append = format!("{MORE} | tr '\\0' x >>\"$(echo archive/*.manifest)\"");
    measured.sandbox.sh(&append).silent();
    let scan = "moo-scan --archive archive src >out.tar";
    measured.does("claims", scan).fails_with(5).one_message().stderr_has("too long");
}

#[test]
fn a_length_that_a_message_claims_takes_no_memory() {
    let mut measured = Measured::new();
    let key = tests::Key::open(&measured.sandbox, "Moo <moo@example.org>");
    key.export_secret(&measured.sandbox, "secret.pgp", "");
    let mut heads: Vec<Vec<u8>> = Vec::new();
    // Tags of session keys, data that is packed or encrypted; then of others.
    let tags = [1, 8, 18, 2, 3, 4, 6, 9, 11, 13, 17, 20, 60];
    for tag in &tags[..scale(3, tags.len())] {
        heads.push([&[0xc0 | tag, 0xff], &u32::MAX.to_be_bytes()[..]].concat());
        // A part of 2^30 bytes, after which others come.
        heads.push(vec![0xc0 | tag, 0xfe]);
    }
    let set = format!("store/{FULL}");
    for head in &heads {
        put(&measured.sandbox, FULL, &[Vec::new()]);
        fs::write(measured.sandbox.path("head"), head).unwrap();
        let volume = format!(
            "rm {set}.vol1.difftar && {{ cat head; {MORE}; }} | tee {set}.vol1.difftar.gpg |
            sha1sum | cut -d ' ' -f 1"
        );
        let sha1 = measured.sandbox.sh(&volume).succeeds().out();
        let manifest = forge::path(&measured.sandbox, &format!("{FULL}.manifest"));
        fs::write(manifest, forge::block(1, "SHA1", sha1.trim())).unwrap();
        let restore = "moo restore --name none --secret-key secret.pgp file://$PWD/store out";
        measured.does("claims", restore).fails().one_message();
    }
    eprintln!("{} heads of messages with absurd lengths", heads.len());
}
