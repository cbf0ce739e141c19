//! What zlib-rs reads, igzip reads to the same content. What has no right checksum is refused.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used)]

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compression, GzBuilder};
use igzip::Inflate;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Raw,
    Zlib,
    Gzip,
}

const FORMATS: [Format; 3] = [Format::Raw, Format::Zlib, Format::Gzip];

fn packed(format: Format, content: &[u8], level: u32) -> Vec<u8> {
    let level = Compression::new(level);
    match format {
        Format::Raw => written(DeflateEncoder::new(Vec::new(), level), content).finish(),
        Format::Zlib => written(ZlibEncoder::new(Vec::new(), level), content).finish(),
        Format::Gzip => written(GzEncoder::new(Vec::new(), level), content).finish(),
    }
    .unwrap()
}

fn written<W: Write>(mut encoder: W, content: &[u8]) -> W {
    encoder.write_all(content).unwrap();
    encoder
}

/// What comes out, and the error that ends it if one does.
fn drained(mut reader: impl Read, piece: usize) -> (Vec<u8>, io::Result<()>) {
    let (mut content, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (content, Ok(())),
            Ok(length) => content.extend_from_slice(&buffer[..length]),
            Err(error) => return (content, Err(error)),
        }
    }
}

fn inflate<R: BufRead>(format: Format, packed: R) -> Inflate<R> {
    match format {
        Format::Raw => Inflate::raw(packed),
        Format::Zlib => Inflate::zlib(packed),
        Format::Gzip => Inflate::gzip(packed),
    }
}

/// What igzip reads, in pieces of the input and the output of these lengths.
fn ours(format: Format, packed: &[u8], input: usize, output: usize) -> (Vec<u8>, io::Result<()>) {
    drained(inflate(format, BufReader::with_capacity(input, packed)), output)
}

/// What zlib-rs reads.
fn oracle(format: Format, packed: &[u8]) -> (Vec<u8>, io::Result<()>) {
    match format {
        Format::Raw => drained(flate2::bufread::DeflateDecoder::new(packed), 1 << 16),
        Format::Zlib => drained(flate2::bufread::ZlibDecoder::new(packed), 1 << 16),
        Format::Gzip => drained(flate2::bufread::MultiGzDecoder::new(packed), 1 << 16),
    }
}

/// That both agree on a stream, which may be damaged. ISA-L accepts one kind of damage that zlib
/// refuses: a code that lacks symbols, none of which is used. A checksum tells most of these.
fn agree(format: Format, packed: &[u8], input: usize, output: usize) {
    let (content, end) = ours(format, packed, input, output);
    let (wanted, wanted_end) = oracle(format, packed);
    if wanted_end.is_ok() {
        assert!(end.is_ok() && content == wanted, "{format:?}: {end:?}, {} bytes", content.len());
        return;
    }
    assert!(end.is_err() || format == Format::Raw, "{format:?}: {wanted_end:?}");
    // The most that a stream can hold.
    assert!(content.len() <= 1032 * packed.len(), "{format:?}: {} bytes", content.len());
    // However it is read.
    let (whole, whole_end) = ours(format, packed, 1 << 16, 1 << 22);
    assert_eq!(end.is_ok(), whole_end.is_ok(), "{format:?}: {end:?}, {whole_end:?}");
    assert!(end.is_err() || content == whole, "{format:?}: {} bytes", content.len());
}

/// Content that is partly noise and partly repeats itself.
fn mixture(length: usize) -> Vec<u8> {
    let mut state = length as u64;
    let mut content = Vec::with_capacity(length + 4096);
    while content.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (run, back) = ((state >> 40) as usize % 300, (state >> 20) as usize % 40_000);
        match state >> 62 {
            0 => content.extend((0..run as u64).map(|at| (state >> (at % 40)) as u8)),
            1 => content.extend(std::iter::repeat_n((state >> 33) as u8, run * 3)),
            _ if back < content.len() => {
                let start = content.len() - back;
                content.extend_from_within(start..(start + run).min(content.len()));
            }
            _ => content.push((state >> 50) as u8),
        }
    }
    content.truncate(length);
    content
}

#[test]
fn streams_of_every_length_and_level_are_read_in_pieces_of_every_length() {
    for length in [0, 1, 2, 300, 32_768, 65_535, 65_536, 131_072, 400_000] {
        let content = mixture(length);
        for (format, level) in
            FORMATS.into_iter().flat_map(|format| [0, 1, 6, 9].map(|l| (format, l)))
        {
            let packed = packed(format, &content, level);
            for (input, output) in [(1, 1 << 16), (7, 1), (4096, 333), (1 << 20, 1 << 20)] {
                let (read, end) = ours(format, &packed, input, output);
                assert!(
                    end.is_ok() && read == content,
                    "{format:?} {length} {level} {input} {output}"
                );
            }
        }
    }
}

#[test]
fn a_stream_is_read_wherever_its_input_and_output_are_split() {
    let content = mixture(900);
    for format in FORMATS {
        let packed = packed(format, &content, 6);
        for at in 0..=packed.len() {
            let input = packed[..at].chain(&packed[at..]);
            let (read, end) = drained(inflate(format, input), content.len());
            assert!(end.is_ok() && read == content, "{format:?} {at}");
        }
        for at in 1..content.len() {
            let (read, end) = ours(format, &packed, 1 << 16, at);
            assert!(end.is_ok() && read == content, "{format:?} {at}");
        }
    }
}

#[test]
fn a_stream_that_is_cut_off_anywhere_is_an_error_with_no_false_content() {
    let content = mixture(2000);
    for format in FORMATS {
        let packed = packed(format, &content, 6);
        for at in 0..packed.len() {
            let (read, end) = ours(format, &packed[..at], 100, 500);
            assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{format:?} {at}");
            assert!(content.starts_with(&read), "{format:?} {at}");
        }
    }
}

#[test]
fn what_follows_a_stream_is_read_and_ignored_and_what_follows_a_member_must_be_one() {
    let content = mixture(5000);
    for format in [Format::Raw, Format::Zlib] {
        let packed = [packed(format, &content, 6), mixture(20_000)].concat();
        let mut rest = packed.as_slice();
        let (read, end) = drained(inflate(format, &mut rest), 1000);
        assert!(end.is_ok() && read == content && rest.is_empty(), "{format:?}");
    }
    let member = packed(Format::Gzip, &content, 6);
    for input in [1, 7, 1 << 16] {
        let (read, end) = ours(Format::Gzip, &[member.as_slice(), &member].concat(), input, 1000);
        assert!(end.is_ok() && read == content.repeat(2), "{input}");
        for follows in [&b"\0"[..], b"moo", &member[..5], &[0; 100]] {
            agree(Format::Gzip, &[member.as_slice(), follows].concat(), input, 1000);
        }
    }
}

#[test]
fn a_header_with_all_its_fields_is_read_and_a_change_in_it_is_noticed() {
    let content = mixture(100);
    let builder = GzBuilder::new().filename("a name").comment("a comment").extra(vec![7; 300]);
    let encoder = builder.mtime(1).write(Vec::new(), Compression::fast());
    let mut member = written(encoder, &content).finish().unwrap();
    // The checksum of the header, of which the builder knows nothing.
    let blocks = 10 + 2 + 300 + 7 + 10;
    member[3] |= 2;
    let sum = crc32fast::hash(&member[..blocks]) as u16;
    member.splice(blocks..blocks, sum.to_le_bytes());
    for input in [1, 2, 1000] {
        let (read, end) = ours(Format::Gzip, &member, input, 1000);
        assert!(end.is_ok() && read == content, "{input}");
    }
    for at in 0..blocks + 2 {
        let mut changed = member.clone();
        changed[at] ^= 1;
        agree(Format::Gzip, &changed, 1 << 16, 1000);
        assert!(ours(Format::Gzip, &changed, 1 << 16, 1000).1.is_err(), "{at}");
    }
}

#[test]
fn an_error_stays_one() {
    let mut packed = packed(Format::Zlib, b"moo", 6);
    *packed.last_mut().unwrap() ^= 1;
    let mut reader = Inflate::zlib(packed.as_slice());
    for _ in 0..3 {
        assert!(reader.read(&mut [0; 100]).is_err());
    }
}

proptest! {
    #[test]
    fn any_content_comes_back(
        content in prop::collection::vec(any::<u8>(), 0..3000), times in 1usize..60,
        level in 0u32..10, input in 1usize..5000, output in 1usize..80_000
    ) {
        let content = content.repeat(times);
        for format in FORMATS {
            agree(format, &packed(format, &content, level), input, output);
        }
    }

    #[test]
    fn any_change_of_a_stream_is_judged_as_zlib_does(
        length in 0usize..3000, level in 0u32..10, input in 1usize..300, output in 1usize..3000,
        at: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index, is_cut: bool
    ) {
        for format in FORMATS {
            let mut packed = packed(format, &mixture(length), level);
            let at = at.index(packed.len());
            packed[at] ^= 1 << bit;
            if is_cut {
                packed.truncate(cut.index(packed.len()));
            }
            agree(format, &packed, input, output);
        }
    }

    #[test]
    fn any_bytes_are_judged_as_zlib_does(bytes: Vec<u8>, input in 1usize..50, output in 1usize..300) {
        for format in FORMATS {
            agree(format, &bytes, input, output);
        }
    }
}
