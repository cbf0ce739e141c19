//! Deflated streams: igzip reads what zlib-rs reads.

use std::io::{BufReader, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use igzip::Inflate;

/// The longest content that is compared: a few kilobytes can hold megabytes.
const MOST: u64 = 1 << 20;

/// The first byte chooses the format and the lengths of the pieces that are read.
pub fn inflate(data: &[u8]) {
    let Some((choice, packed)) = data.split_first() else { return };
    let (input, output) =
        (1 + usize::from(choice >> 4) * 37, 1 + usize::from(choice >> 2 & 3) * 4001);
    let pieces = BufReader::with_capacity(input, packed);
    let (ours, zlib) = match choice & 3 {
        0 => {
            (content(Inflate::gzip(pieces), output), content(MultiGzDecoder::new(packed), 1 << 16))
        }
        1 => (content(Inflate::raw(pieces), output), content(DeflateDecoder::new(packed), 1 << 16)),
        _ => (content(Inflate::zlib(pieces), output), content(ZlibDecoder::new(packed), 1 << 16)),
    };
    match (ours, zlib) {
        (_, Some(zlib)) if zlib.len() as u64 == MOST => {}
        (ours, Some(zlib)) => assert!(ours == Some(zlib), "it reads something else"),
        // Without a checksum, a code that lacks a symbol which is not used goes unnoticed.
        (ours, None) => assert!(ours.is_none() || choice & 3 == 1, "it reads a damaged stream"),
    }
}

fn content(reader: impl Read, piece: usize) -> Option<Vec<u8>> {
    let (mut reader, mut content, mut buffer) = (reader.take(MOST), Vec::new(), vec![0; piece]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Some(content),
            Ok(length) => content.extend_from_slice(&buffer[..length]),
            Err(_) => return None,
        }
    }
}
