//! What is written is read by zlib, and by gzip.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Command, Stdio};

use deflate::{Deflate, Effort, Format};
use proptest::prelude::*;

/// As long as what is packed on its own.
const CHUNK: usize = 512 << 10;

fn deflated(content: &[u8], format: Format, level: u8, jobs: usize, pieces: usize) -> Vec<u8> {
    let effort = Effort { level, jobs: NonZero::new(jobs).unwrap() };
    let mut deflate = Deflate::new(Vec::new(), format, effort).unwrap();
    content.chunks(pieces).for_each(|piece| deflate.write_all(piece).unwrap());
    deflate.finish().unwrap()
}

fn inflated(packed: &[u8], format: Format) -> Vec<u8> {
    let mut content = Vec::new();
    match format {
        Format::Zlib => flate2::read::ZlibDecoder::new(packed).read_to_end(&mut content),
        Format::Gzip => flate2::read::GzDecoder::new(packed).read_to_end(&mut content),
    }
    .unwrap();
    content
}

/// The same behind a chunk of zeros, with level 1: what is short alone, zlib compresses.
fn second(content: &[u8]) -> Vec<u8> {
    let content = [vec![0; CHUNK], content.to_vec()].concat();
    let packed = deflated(&content, Format::Zlib, 1, 1, 1 << 16);
    assert!(inflated(&packed, Format::Zlib) == content, "{} bytes", content.len());
    packed
}

/// The same bytes each time, without any pattern.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn text(length: usize) -> Vec<u8> {
    let line = |at: usize| format!("cow {} says moo to cow {}\n", at * at % 977, at % 13);
    (0..).flat_map(|at| line(at).into_bytes()).take(length).collect()
}

#[test]
fn what_is_compressed_already_hardly_grows() {
    let content = noise(1 << 20);
    let length = deflated(&content, Format::Zlib, 6, 2, 1 << 16).len();
    assert!(length < content.len() + 1000, "{length}");
    assert!(deflated(&vec![7; 1 << 20], Format::Zlib, 6, 2, 1 << 16).len() < 5000);
}

#[test]
fn the_ends_of_chunks_and_of_blocks_are_no_ends_of_content() {
    let (random, text) = (noise(2 * CHUNK + 1), text(2 * CHUNK + 1));
    let edges = [0, 1, 2, 65_534, 65_535, 65_536, 131_069, 131_070, 131_071];
    let chunks = [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1];
    for length in edges.into_iter().chain(chunks) {
        for (content, jobs) in [(&random, 1), (&random, 3), (&text, 1), (&text, 2), (&text, 4)] {
            let packed = deflated(&content[..length], Format::Gzip, 1, jobs, 100_000);
            assert!(inflated(&packed, Format::Gzip) == content[..length], "{length} {jobs}");
        }
        second(&random[..length]);
        second(&text[..length]);
    }
}

#[test]
fn what_has_been_there_is_found_at_any_distance_and_in_any_length() {
    let nibbles: Vec<u8> = noise(40_000).iter().map(|byte| byte & 15).collect();
    let zeros = second(&[]).len();
    for distance in [1, 2, 7, 8, 9, 4096, 24_576, 24_577, 32_767, 32_768, 32_769, 40_000] {
        let content = nibbles[..distance].repeat(1 + 100_000 / distance);
        // Half of it without any match.
        let length = second(&content).len() - zeros;
        let is_found = length < content.len() * 2 / 5;
        assert_eq!(is_found, distance <= 32_768, "{distance}: {length}");
    }
    for length in 0..600 {
        let content = [&nibbles[..50], &vec![7; length], &nibbles[50..100], &nibbles[..length]];
        second(&content.concat());
    }
}

#[test]
fn what_is_written_depends_neither_on_the_threads_nor_on_the_pieces() {
    let content = [text(3 * CHUNK), noise(CHUNK), text(CHUNK + 17)].concat();
    let packed = deflated(&content, Format::Zlib, 3, 1, 1 << 16);
    for (jobs, pieces) in [(1, 1000), (2, 1 << 16), (3, 1 << 22), (8, 99_999)] {
        assert!(deflated(&content, Format::Zlib, 3, jobs, pieces) == packed, "{jobs} {pieces}");
    }
}

#[test]
fn what_is_short_is_packed_hard_at_any_level() {
    let content = text(CHUNK);
    let [fast, hard] = [1, 7].map(|level| deflated(&content, Format::Zlib, level, 2, 1000));
    assert!(fast == hard);
    assert!(second(&content).len() > hard.len() + hard.len() / 20);
}

#[test]
fn gzip_finds_no_fault() {
    let content = [text(CHUNK), noise(100_000), text(CHUNK)].concat();
    for level in 1..=9 {
        let packed = deflated(&content, Format::Gzip, level, 2, 1 << 16);
        let mut gzip = Command::new("gzip").arg("-t").stdin(Stdio::piped()).spawn().unwrap();
        gzip.stdin.take().unwrap().write_all(&packed).unwrap();
        assert!(gzip.wait().unwrap().success(), "{level}");
    }
}

#[test]
fn an_error_of_the_outlet_ends_it() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let content = noise(8 * CHUNK);
    for room in [1, 2, 3 * CHUNK, 8 * CHUNK] {
        let effort = Effort { level: 1, jobs: NonZero::new(2).unwrap() };
        let packed = Deflate::new(Full(room), Format::Zlib, effort).and_then(|mut deflate| {
            deflate.write_all(&content)?;
            deflate.finish()
        });
        assert!(packed.is_err(), "{room}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn zlib_reads_what_was_written(
        parts in proptest::collection::vec((0u8..4, 0usize..400_000), 0..6),
        level in 1u8..10,
        jobs in 1usize..5,
        pieces in 1usize..100_000,
        is_gzip in any::<bool>(),
    ) {
        let (random, text, zeros) = (noise(400_000), text(400_000), vec![0; 400_000]);
        let nibbles: Vec<u8> = random.iter().map(|byte| byte & 15).collect();
        let kinds = [&random, &text, &zeros, &nibbles];
        let part = |(kind, length): &(u8, usize)| &kinds[usize::from(*kind)][..*length];
        let content = parts.iter().map(part).collect::<Vec<_>>().concat();
        let format = if is_gzip { Format::Gzip } else { Format::Zlib };
        let packed = deflated(&content, format, level, jobs, pieces);
        prop_assert!(inflated(&packed, format) == content);
    }
}
