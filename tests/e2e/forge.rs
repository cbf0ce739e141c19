//! Plain stores made by hand, with whatever a test puts into them.

use std::fs;
use std::path::PathBuf;

use md5::Md5;
use sha1::{Digest, Sha1};
use stream::member::Kind;
use stream::{Member, Next, TarReader, TarWriter};
use tests::Sandbox;

/// The full set of a forged store.
pub(crate) const FULL: &str = "duplicity-full.20200101T000000Z";
/// The increment on it.
pub(crate) const INC: &str = "duplicity-inc.20200101T000000Z.to.20200102T000000Z";

/// A member of a tar and its body.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) member: Member,
    pub(crate) body: Vec<u8>,
}

/// A member of that name and kind.
pub(crate) fn entry(name: impl Into<Vec<u8>>, kind: Kind) -> Entry {
    let mode = if kind == Kind::Directory { 0o755 } else { 0o644 };
    Entry { member: Member { kind, mode, ..Member::named(name) }, body: Vec::new() }
}

/// The root directory.
pub(crate) fn root() -> Entry {
    folder("snapshot/.")
}

/// A directory.
pub(crate) fn folder(name: impl Into<Vec<u8>>) -> Entry {
    entry(name, Kind::Directory)
}

/// A regular file, or a piece of it, or a delta.
pub(crate) fn file(name: impl Into<Vec<u8>>, body: &[u8]) -> Entry {
    Entry { body: body.to_owned(), ..entry(name, Kind::File) }
}

/// A link, symbolic or not.
pub(crate) fn link(name: &str, kind: Kind, target: impl Into<Vec<u8>>) -> Entry {
    let mut entry = entry(name, kind);
    entry.member.link = target.into();
    entry
}

/// What no longer exists.
pub(crate) fn deleted(name: &str) -> Entry {
    file(format!("deleted/{name}"), b"")
}

/// The tar of these entries, as duplicity ends it.
pub(crate) fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    for Entry { member, body } in entries {
        tar.append(member, body).unwrap();
    }
    tar.end(true).unwrap();
    tar.into_inner()
}

/// The members of a tar.
pub(crate) fn untar(tar: &[u8]) -> Vec<Entry> {
    let (mut tar, mut entries) = (TarReader::new(tar), Vec::new());
    while let Next::Member(member) = tar.advance().unwrap() {
        let body = tar.body(u64::MAX).unwrap();
        entries.push(Entry { member: *member, body });
    }
    entries
}

/// Sets a field of the header block at `at`, and its checksum.
pub(crate) fn patch_header(tar: &mut [u8], at: usize, field: usize, value: &[u8]) {
    let header = &mut tar[at..at + 512];
    header[field..field + value.len()].copy_from_slice(value);
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Puts a set of those volumes into the store.
pub(crate) fn put(sandbox: &Sandbox, set: &str, volumes: &[Vec<u8>]) {
    let mut manifest = "Hostname moo\nLocaldir src\n".to_owned();
    for (number, volume) in (1..).zip(volumes) {
        fs::create_dir_all(sandbox.path("store")).unwrap();
        fs::write(path(sandbox, &format!("{set}.vol{number}.difftar")), volume).unwrap();
        manifest += &block(number, "SHA1", &sha1(volume));
    }
    fs::write(path(sandbox, &format!("{set}.manifest")), manifest).unwrap();
}

/// The SHA-1 in hex.
pub(crate) fn sha1(bytes: &[u8]) -> String {
    format!("{:x}", Sha1::digest(bytes))
}

/// The MD5 in hex.
pub(crate) fn md5(bytes: &[u8]) -> String {
    format!("{:x}", Md5::digest(bytes))
}

/// A volume's block in a manifest.
pub(crate) fn block(number: u32, hash: &str, value: &str) -> String {
    let places = "    StartingPath   .  \n    EndingPath     zzz  \n";
    format!("Volume {number}:\n{places}    Hash {hash} {value}\n")
}

/// A file of the store.
pub(crate) fn path(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path("store").join(name)
}
