//! Our signatures and deltas beside librsync's own, for contents of all kinds.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Cursor, Read};

use librsync::SignatureType;
use proptest::collection::vec;
use proptest::prelude::*;
use rsync::{Delta, Hash, block_length, file_size, sign};

/// `MOO_LONG` asks for all that there is to try.
fn cases() -> ProptestConfig {
    let cases = if std::env::var_os("MOO_LONG").is_some() { 10_000 } else { 200 };
    ProptestConfig { max_shrink_iters: 500, ..ProptestConfig::with_cases(cases) }
}

/// A reader that gives no more than a piece at a time, of lengths that go round.
struct Pieces<'a>(&'a [u8], Vec<usize>, usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.2 += 1;
        let most = self.1[self.2 % self.1.len()].min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1usize..20, 1usize..100_000], 1..4)
}

/// Content of one kind: noise, few different bytes, a short period, or always the same.
fn content(most: usize) -> impl Strategy<Value = Vec<u8>> {
    (any::<u32>(), 0..most, 0..5u8, 1usize..3000).prop_map(|(seed, length, kind, period)| {
        let noise = noise(seed, length);
        match kind {
            0 => noise.iter().map(|byte| byte % 2).collect(),
            1 => noise.iter().map(|byte| u8::from(*byte == 7)).collect(),
            2 => (0..length).map(|at| noise[at % period.min(length)]).collect(),
            3 => vec![seed as u8; length],
            _ => noise,
        }
    })
}

fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

/// An edit: where, how much goes, and what comes instead: noise, or a part from elsewhere.
type Edit = (prop::sample::Index, usize, Result<Vec<u8>, (prop::sample::Index, usize)>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let index = any::<prop::sample::Index>;
    let new = prop_oneof![
        vec(any::<u8>(), 0..3000).prop_map(Ok),
        (index(), 0usize..20_000).prop_map(Err),
    ];
    vec((index(), 0usize..3000, new), 0..5)
}

fn edited(basis: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let mut content = basis.to_vec();
    for (at, gone, new) in edits {
        let at = at.index(content.len() + 1);
        let end = (at + gone).min(content.len());
        let new = new.unwrap_or_else(|(from, length)| {
            let from = from.index(basis.len() + 1);
            basis[from..(from + length).min(basis.len())].to_vec()
        });
        content.splice(at..end, new);
    }
    content
}

fn their_signature(content: &[u8], block: usize, strong: usize, kind: SignatureType) -> Vec<u8> {
    let mut signature = Vec::new();
    librsync::Signature::with_buf_read(content, block, strong, kind)
        .unwrap()
        .read_to_end(&mut signature)
        .unwrap();
    signature
}

fn their_delta(content: &[u8], mut signature: &[u8]) -> Vec<u8> {
    let mut delta = Vec::new();
    let made = librsync::Delta::with_buf_read(content, &mut signature);
    made.unwrap().read_to_end(&mut delta).unwrap();
    delta
}

fn our_delta(content: impl Read, signature: &[u8]) -> Vec<u8> {
    let mut delta = Vec::new();
    Delta::new("f", content, signature).unwrap().read_to_end(&mut delta).unwrap();
    delta
}

fn patched(basis: &[u8], delta: &[u8]) -> Vec<u8> {
    let mut patched = Vec::new();
    let patch = librsync::Patch::with_buf_read(Cursor::new(basis), delta);
    patch.unwrap().read_to_end(&mut patched).unwrap();
    patched
}

/// The block length, the length of strong sums and the kind of a signature.
fn parameters() -> impl Strategy<Value = (usize, usize, SignatureType)> {
    let block = prop_oneof![
        Just(512usize),
        Just(2048),
        1usize..40,
        100usize..5000,
        Just(100_000),
        Just(1 << 21),
    ];
    let kind = prop_oneof![
        (8usize..=16).prop_map(|strong| (strong, SignatureType::MD4)),
        (8usize..=32).prop_map(|strong| (strong, SignatureType::Blake2)),
    ];
    (block, kind).prop_map(|(block, (strong, kind))| (block, strong, kind))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_signature_is_that_of_librsync_to_the_byte(
        content in content(150_000), guess in 0u64..2_000_000, exact: bool, md4: bool,
        pieces in pieces(),
    ) {
        let size = if exact { content.len() as u64 } else { guess };
        let (hash, strong, kind) = if md4 {
            (Hash::Md4, 8, SignatureType::MD4)
        } else {
            (Hash::Blake2, 16, SignatureType::Blake2)
        };
        let ours = sign("f", Pieces(&content, pieces, 0), size, hash).unwrap();
        prop_assert!(ours == their_signature(&content, block_length(size), strong, kind));
    }

    #[test]
    fn a_delta_is_right_and_not_larger_than_that_of_librsync(
        basis in content(150_000), edits in edits(), parameters in parameters(),
    ) {
        let (block, strong, kind) = parameters;
        let content = edited(&basis, edits);
        let signature = their_signature(&basis, block, strong, kind);
        let (ours, theirs) = (our_delta(&content[..], &signature), their_delta(&content, &signature));
        prop_assert!(patched(&basis, &ours) == content);
        // Where blocks are alike, the choice of one decides what can follow it.
        let most = theirs.len() + theirs.len() / 100 + 2 * block.min(1000) + 16;
        prop_assert!(ours.len() <= most, "{} for {}", ours.len(), theirs.len());
    }

    #[test]
    fn a_delta_does_not_depend_on_the_pieces_that_content_comes_in(
        basis in content(150_000), edits in edits(), parameters in parameters(), pieces in pieces(),
    ) {
        let (block, strong, kind) = parameters;
        let content = edited(&basis, edits);
        let signature = their_signature(&basis, block, strong, kind);
        let whole = our_delta(&content[..], &signature);
        prop_assert!(our_delta(Pieces(&content, pieces, 0), &signature) == whole);
    }

    #[test]
    fn a_delta_with_any_sums_makes_no_more_than_the_content_needs(
        content in content(50_000), known in 0usize..50, block in 1u32..3000, seed: u32,
        (magic, strong) in prop::sample::select(vec![(0x36u8, 1u32), (0x36, 16), (0x37, 32), (0x46, 8), (0x47, 32)]),
    ) {
        // The weak sums are those of the content, the strong ones nobody's.
        let mut signature = vec![b'r', b's', 1, magic];
        signature.extend([block.to_be_bytes(), strong.to_be_bytes()].concat());
        let weak = &their_signature(&content, block as usize, 1, SignatureType::MD4)[12..];
        for weak in weak.chunks(5).chain([&[0; 5][..]; 9]).take(known) {
            signature.extend(&weak[..4]);
            signature.extend(noise(seed, strong as usize));
        }
        prop_assert!(file_size(&signature, signature.len() as u64).is_some());
        let delta = our_delta(&content[..], &signature);
        prop_assert!(delta.len() <= content.len() * 12 + 16, "{}", delta.len());
    }
}

#[test]
fn a_short_last_block_is_found_at_the_end_of_other_content() {
    let basis = noise(1, 10_300);
    let signature = sign("f", &basis[..], 10_300, Hash::Blake2).unwrap();
    let content = [&b"new"[..], &basis[10_240..]].concat();
    let delta = our_delta(&content[..], &signature);
    assert_eq!(delta, b"rs\x026\x03new\x49\x28\x00\x3c\x00");
}

#[test]
fn content_that_moved_is_found_in_a_file_with_long_blocks_and_many_chance_meetings() {
    // Weak sums of all blocks are alike to those of most windows: only patience and neighbours help.
    let basis: Vec<u8> = noise(1, 4 << 20).iter().map(|byte| u8::from(*byte < 2)).collect();
    let signature = sign("f", &basis[..], 4 << 20, Hash::Blake2).unwrap();
    let content = [&noise(2, 5000)[..], &basis].concat();
    let delta = our_delta(&content[..], &signature);
    assert!(patched(&basis, &delta) == content);
    assert!(delta.len() < 200_000, "{}", delta.len());
}

#[test]
fn hashing_in_vain_is_bounded_where_each_window_looks_like_each_block() {
    // Zeros everywhere, in blocks whose strong sums are wrong: without bounds this takes minutes.
    let content = vec![0; 8 << 20];
    let mut signature = sign("f", &content[..], 1 << 30, Hash::Blake2).unwrap();
    for (number, block) in signature[12..].chunks_mut(20).enumerate() {
        block[4..12].copy_from_slice(&number.to_be_bytes());
    }
    let delta = our_delta(&content[..], &signature);
    assert!(delta.len() > content.len() && patched(b"", &delta) == content);
}

#[test]
fn content_against_blocks_longer_than_memory_is_new() {
    let signature = [b"rs\x017\x80\0\0\0\0\0\0\x20".as_slice(), &[7; 36]].concat();
    let content = noise(1, 200_000);
    let delta = our_delta(&content[..], &signature);
    assert!(patched(b"", &delta) == content);
}
