//! Signatures of every kind that librsync knows, in chains that all programs extend.

use std::fs;

use tests::damage::{find, find_all};
use tests::{Sandbox, Snapshot, Tree, long};

use super::programs::{Moo, all};
use crate::forge;

/// The words of `rdiff` for a kind of sums, and the lengths of strong sums that it has.
const KINDS: [(&str, &[u32]); 4] = [
    ("-H md4 -R rollsum", &[8, 16]),
    ("-H blake2 -R rollsum", &[8, 16, 32]),
    ("-H md4 -R rabinkarp", &[8, 16]),
    ("-H blake2 -R rabinkarp", &[8, 16, 32]),
];

/// How long the blocks are.
fn blocks() -> &'static [u32] {
    if long() { &[16, 512, 1000, 2048, 4096, 7777, 65_536, 100_000] } else { &[1000, 65_536] }
}

/// A file for each kind, and the words with which `rdiff` signs it.
fn signed_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (kind, strong) in KINDS {
        for strong in strong {
            for block in blocks() {
                let words = format!("{kind} -S {strong} -b {block}");
                files.push((format!("f{:03}", files.len()), words));
            }
        }
    }
    files
}

/// Puts rdiff's signatures in place of those in the signature tar of the store.
pub(crate) fn replace(sandbox: &Sandbox, sign: impl Fn(&str) -> Option<Vec<u8>>) {
    let tar = find(sandbox.path("store"), "-full-signatures");
    let mut entries = forge::untar(&fs::read(&tar).unwrap());
    for entry in &mut entries {
        let name = String::from_utf8(entry.member.name.clone()).unwrap();
        if let Some(signature) = name.strip_prefix("signature/").and_then(&sign) {
            entry.body = signature;
        }
    }
    fs::write(tar, forge::tar(&entries)).unwrap();
    // An archive is made of the store again: by duplicity of itself, by us with this pipe.
    sandbox
        .sh("rm -r archive && moo-fetch --metadata file://$PWD/store | moo-decrypt |
        moo-upload file://$PWD/archive >receipts")
        .silent();
}

#[test]
fn signatures_of_all_kinds_are_extended_by_all_programs_with_small_deltas() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    let files = signed_files();
    for (name, _) in &files {
        tree.noise(name, 150_000);
    }
    let programs = all(&sandbox, "--no-encryption --no-compression");
    programs[1].full("src");
    replace(&sandbox, |name| {
        let (_, words) = files.iter().find(|(file, _)| file == name)?;
        Some(sandbox.sh(&format!("rdiff {words} signature src/{name}")).succeeds().stdout)
    });
    sandbox.sh("cp -a store store.1 && cp -a archive archive.1").silent();
    for (name, _) in &files {
        tree.edit(name, |content| content.insert(100_000, 7));
        tree.mtime(name, 1_700_000_777, 0);
    }
    let state = Snapshot::by_stock(tree.root());
    for extender in &programs {
        extender.increment("src");
        for reader in &programs {
            if long() || reader.who == Moo || extender.who == Moo {
                reader.brings_back("now", &state);
            }
        }
        let delta = fs::metadata(&find_all(sandbox.path("store"), "-inc.")[1]).unwrap().len();
        let whole = 150_000 * files.len() as u64;
        assert!(delta < whole * 3 / 4, "{:?} stored {delta} bytes of {whole}", extender.who);
        sandbox.sh("rm -r store archive; cp -a store.1 store; cp -a archive.1 archive").silent();
    }
    eprintln!("signatures: {} kinds, extended by 3 programs", files.len());
}
