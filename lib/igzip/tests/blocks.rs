//! What igzip makes is read by zlib.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used)]

use std::io::Read;

use flate2::read::DeflateDecoder;
use igzip::Igzip;
use proptest::prelude::*;

/// A last block, stored, with nothing in it.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

fn inflated(blocks: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    DeflateDecoder::new([blocks, &LAST_BLOCK].concat().as_slice())
        .read_to_end(&mut content)
        .unwrap();
    content
}

/// The blocks of some content, which are read alone, and joined to those of other content.
fn packed(igzip: &mut Igzip, content: &[u8]) -> Vec<u8> {
    let (mut blocks, mut joined) = (Vec::new(), Vec::new());
    igzip.pack(content, &mut blocks).unwrap();
    assert!(inflated(&blocks) == content, "{} bytes", content.len());
    igzip.pack(b"moo moo moo", &mut joined).unwrap();
    igzip.pack(content, &mut joined).unwrap();
    assert!(inflated(&joined) == [b"moo moo moo", content].concat(), "{} bytes", content.len());
    blocks
}

/// Bytes without any pattern, of `values` values.
fn noise(length: usize, values: u8) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8 % values
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn nothing_becomes_no_content() {
    assert!(packed(&mut Igzip::new(), b"").len() < 10);
}

#[test]
fn each_length_about_the_ends_of_its_own_buffers_is_read_back() {
    let (mut igzip, random, text) = (Igzip::new(), noise(300_000, 255), b"moo ".repeat(75_000));
    let powers = (0..18).map(|power| 1usize << power).chain([65_535, 131_070, 196_605, 262_140]);
    for length in powers.flat_map(|length| length.saturating_sub(2)..length + 3) {
        packed(&mut igzip, &random[..length]);
        packed(&mut igzip, &text[..length]);
    }
}

#[test]
fn what_cant_be_compressed_hardly_grows() {
    let content = noise(1 << 20, 255);
    let length = packed(&mut Igzip::new(), &content).len();
    assert!(length < content.len() + 1000, "{length}");
    assert!(packed(&mut Igzip::new(), &vec![7; 1 << 20]).len() < 10_000);
}

#[test]
fn what_has_been_there_is_found_at_any_distance_that_deflate_has() {
    let mut igzip = Igzip::new();
    let nibbles = noise(40_000, 16);
    for distance in [1, 2, 7, 8, 9, 4096, 24_576, 24_577, 32_000, 32_769, 40_000] {
        let content = nibbles[..distance].repeat(1 + 200_000 / distance);
        // Half of it without any match.
        let length = packed(&mut igzip, &content).len();
        assert_eq!(length < content.len() * 2 / 5, distance <= 32_000, "{distance}: {length}");
    }
}

proptest! {
    #[test]
    fn any_mixture_is_read_back(
        parts in prop::collection::vec((any::<u8>(), 1..=255u8, 0..40_000usize, 1..20usize), 0..8)
    ) {
        let mut igzip = Igzip::new();
        let part = |(shift, values, length, times): (u8, u8, usize, usize)| {
            let shifted = noise(length, values).into_iter().map(move |byte| byte.wrapping_add(shift));
            shifted.collect::<Vec<_>>().repeat(times)
        };
        packed(&mut igzip, &parts.into_iter().flat_map(part).collect::<Vec<_>>());
    }
}
