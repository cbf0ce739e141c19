//! One chunk, as blocks of which none is the last, and which end with a whole byte.

use std::io;

use flate2::{Compress, Compression, FlushCompress};
use igzip::Igzip;

use crate::probe::is_random;

/// How much is looked at whether it can be compressed.
const PIECE: usize = 64 << 10;
/// The most that a stored block takes (RFC 1951, 3.2.4).
const STORED: usize = 65_535;

/// Turns chunks into blocks.
pub(crate) enum Packer {
    Fast(Igzip),
    Zlib(Compress),
}

impl Packer {
    /// With a level of 1 to 9.
    pub(crate) fn new(level: u8) -> Packer {
        match level {
            0..=1 => Packer::Fast(Igzip::new()),
            _ => Packer::Zlib(Compress::new(Compression::new(level.into()), false)),
        }
    }

    /// The blocks of a chunk. They refer to nothing before it.
    pub(crate) fn pack(&mut self, chunk: &[u8]) -> io::Result<Vec<u8>> {
        let mut blocks = Vec::with_capacity(chunk.len() / 2 + 1024);
        let pieces: Vec<_> =
            chunk.chunks(PIECE).map(|piece| (piece.len(), is_random(piece))).collect();
        let mut rest = chunk;
        for run in pieces.chunk_by(|one, other| one.1 == other.1) {
            let length = run.iter().map(|(length, _)| length).sum();
            let (bytes, behind) = rest.split_at(length);
            rest = behind;
            match self {
                _ if run[0].1 => store(bytes, &mut blocks),
                Packer::Fast(igzip) => igzip.pack(bytes, &mut blocks)?,
                Packer::Zlib(zlib) => pack_with_zlib(zlib, bytes, &mut blocks)?,
            }
        }
        Ok(blocks)
    }
}

/// Adds the bytes as they are.
fn store(bytes: &[u8], blocks: &mut Vec<u8>) {
    for piece in bytes.chunks(STORED) {
        let length = piece.len() as u16;
        blocks.push(0);
        blocks.extend(length.to_le_bytes());
        blocks.extend((!length).to_le_bytes());
        blocks.extend(piece);
    }
}

fn pack_with_zlib(zlib: &mut Compress, bytes: &[u8], blocks: &mut Vec<u8>) -> io::Result<()> {
    zlib.reset();
    loop {
        let taken = usize::try_from(zlib.total_in()).unwrap_or(bytes.len());
        zlib.compress_vec(&bytes[taken.min(bytes.len())..], blocks, FlushCompress::Sync)?;
        // With room left, nothing waits to be written.
        if blocks.len() < blocks.capacity() {
            return Ok(());
        }
        blocks.reserve(bytes.len() / 4 + 1024);
    }
}
