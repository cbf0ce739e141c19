//! What a delta and a patch make of any two contents, and what they make of nonsense.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Cursor, Read, Write};
use std::process::Command;

use failure::Status;
use proptest::collection::vec;
use proptest::prelude::*;
use rsync::{Delta, Hash, file_size, patch, sign};

fn hashes() -> impl Strategy<Value = Hash> {
    prop_oneof![Just(Hash::Blake2), Just(Hash::Md4)]
}

/// Content that does not repeat, so that its blocks can be told apart.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

/// An edit: what goes where in place of how much.
type Edit = (prop::sample::Index, usize, Vec<u8>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec((any::<prop::sample::Index>(), 0usize..3000, vec(any::<u8>(), 0..3000)), 0..4)
}

fn edited(basis: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let mut content = basis.to_vec();
    for (at, gone, put) in edits {
        let at = at.index(content.len() + 1);
        let end = (at + gone).min(content.len());
        content.splice(at..end, put);
    }
    content
}

fn signature(content: &[u8], hash: Hash) -> Vec<u8> {
    sign("f", content, content.len() as u64, hash).unwrap()
}

fn delta(content: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut delta = Vec::new();
    Delta::new("f", content, signature).unwrap().read_to_end(&mut delta).unwrap();
    delta
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_patched_basis_is_the_new_content(
        length in 0usize..200_000, edits in edits(), hash in hashes(),
    ) {
        let basis = noise(length);
        let content = edited(&basis, edits);
        let delta = delta(&content, &signature(&basis, hash));
        let mut patched = Vec::new();
        patch("f", Cursor::new(&basis), delta.as_slice()).unwrap().read_to_end(&mut patched).unwrap();
        prop_assert!(patched == content);
    }

    #[test]
    fn the_size_of_a_file_is_within_what_its_signature_tells(length in 0usize..300_000, hash in hashes()) {
        let signature = signature(&noise(length), hash);
        let sizes = file_size(&signature, signature.len() as u64).unwrap();
        prop_assert!(sizes.contains(&(length as u64)), "{length} in {sizes:?}");
    }

    #[test]
    fn a_damaged_signature_is_refused_or_makes_a_delta_but_no_panic(
        at in any::<prop::sample::Index>(), damage in 1u8.., cut in any::<prop::sample::Index>(),
    ) {
        let basis = noise(20_000);
        let mut signature = signature(&basis, Hash::Blake2);
        let at = at.index(signature.len());
        signature[at] ^= damage;
        signature.truncate(cut.index(signature.len() * 2));
        if let Ok(mut delta) = Delta::new("f", basis.as_slice(), &signature) {
            let _ = delta.read_to_end(&mut Vec::new());
        }
    }

    #[test]
    fn an_arbitrary_delta_is_refused_or_makes_something_but_no_panic(noise in vec(any::<u8>(), 0..200)) {
        let delta = [b"rs\x026".as_slice(), &noise].concat();
        for delta in [noise, delta] {
            if let Ok(patched) = patch("f", Cursor::new(vec![7; 1000]), delta.as_slice()) {
                let _ = patched.take(1 << 20).read_to_end(&mut Vec::new());
            }
        }
    }
}

#[test]
fn a_signature_that_is_none_is_named() {
    for malformed in [&b""[..], b"rs\x01", b"rs\x017\0\0\0\0\0\0\0\x20", &[b'x'; 100]] {
        let refused = Delta::new("a/b", &b"content"[..], malformed).err().unwrap();
        assert_eq!(refused.status(), Status::Integrity);
        assert!(refused.message().starts_with("a/b: "), "{refused}");
    }
}

#[test]
fn a_delta_that_is_cut_is_no_content() {
    let basis = noise(50_000);
    let content = edited(&basis, vec![]);
    let delta = delta(&[&b"new start"[..], &content].concat(), &signature(&basis, Hash::Blake2));
    for cut in 0..delta.len() {
        let patched = patch("f", Cursor::new(&basis), &delta[..cut]);
        let read = patched.map(|mut patched| patched.read_to_end(&mut Vec::new()).is_err());
        assert_ne!(read.ok(), Some(false), "cut at {cut}");
    }
}

/// A folder with the two contents and our signature and delta of them.
fn folder(basis: &[u8], content: &[u8], hash: Hash) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        std::fs::File::create(scratch.path().join(name)).unwrap().write_all(content).unwrap();
    };
    let signature = signature(basis, hash);
    write("basis", basis);
    write("content", content);
    write("delta", &delta(content, &signature));
    write("signature", &signature);
    scratch
}

/// Runs a script there, and returns a file that it has made.
fn sh(folder: &tempfile::TempDir, script: &str, made: &str) -> Vec<u8> {
    let run = Command::new("sh").args(["-ec", script]).current_dir(folder.path()).output().unwrap();
    assert!(run.status.success(), "{script}: {}", String::from_utf8_lossy(&run.stderr));
    std::fs::read(folder.path().join(made)).unwrap()
}

fn rdiff_reads_ours_and_we_read_what_rdiff_makes(basis: &[u8], content: &[u8], hash: Hash) {
    let folder = folder(basis, content, hash);
    let theirs = sh(
        &folder,
        "rdiff patch basis delta ours; cmp ours content
        rdiff delta signature content theirs; rdiff patch basis theirs again; cmp again content",
        "theirs",
    );
    assert!(patched(basis, &theirs) == content, "their delta, made with our signature");
    for options in ["", "-H md4", "-H md4 -S 8", "-b 512 -S 16", "-b 700 -H blake2"] {
        let script = format!("rdiff -f {options} signature basis theirs.sig");
        let signature = sh(&folder, &script, "theirs.sig");
        assert!(patched(basis, &delta(content, &signature)) == content, "rdiff {options}");
        let script = "rdiff -f delta theirs.sig content theirs";
        assert!(patched(basis, &sh(&folder, script, "theirs")) == content, "rdiff {options}");
    }
}

fn patched(basis: &[u8], delta: &[u8]) -> Vec<u8> {
    let mut patched = Vec::new();
    patch("f", Cursor::new(basis), delta).unwrap().read_to_end(&mut patched).unwrap();
    patched
}

/// `MOO_LONG` asks for all that there is to try.
fn cases() -> u32 {
    if std::env::var_os("MOO_LONG").is_some() { 1000 } else { 16 }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 50, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn rdiff_and_we_read_one_another_whatever_the_contents(
        length in 0usize..100_000, edits in edits(), hash in hashes(),
    ) {
        let basis = noise(length);
        rdiff_reads_ours_and_we_read_what_rdiff_makes(&basis, &edited(&basis, edits), hash);
    }
}

#[test]
fn rdiff_and_we_read_one_another_where_nothing_is_left_or_new() {
    let basis = noise(100_000);
    let moved = [&basis[50_000..], b"in the middle", &basis[..50_000]].concat();
    for (basis, content) in
        [(&basis[..], &moved[..]), (&basis, &basis), (&basis, b""), (b"", &basis), (b"", b"")]
    {
        for hash in [Hash::Blake2, Hash::Md4] {
            rdiff_reads_ours_and_we_read_what_rdiff_makes(basis, content, hash);
        }
    }
}
