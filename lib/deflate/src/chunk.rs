//! One chunk, as blocks of which none is the last, and which end with a whole byte.

use flate2::{Compress, Compression, FlushCompress};

use crate::bits::Bits;
use crate::block;
use crate::finder::{Finder, Token};
use crate::probe::is_random;

/// How much is looked at whether it can be compressed.
const PIECE: usize = 64 << 10;

/// Turns chunks into blocks.
pub(crate) enum Packer {
    /// Ourselves: as small as zlib's third level, in half of the time.
    Fast(Finder, Vec<Token>),
    Zlib(Compress),
}

impl Packer {
    /// With a level of 1 to 9.
    pub(crate) fn new(level: u8) -> Packer {
        match level {
            0..=1 => Packer::Fast(Finder::new(), Vec::new()),
            _ => Packer::Zlib(Compress::new(Compression::new(level.into()), false)),
        }
    }

    /// The blocks of a chunk. They refer to nothing before it.
    pub(crate) fn pack(&mut self, chunk: &[u8]) -> std::io::Result<Vec<u8>> {
        if let Packer::Fast(finder, _) = self {
            finder.reset();
        }
        let pieces = chunk.chunks(PIECE).map(|piece| (piece.len(), is_random(piece)));
        let (mut bits, mut at) = (Bits::default(), 0);
        for run in pieces.collect::<Vec<_>>().chunk_by(|one, other| one.1 == other.1) {
            let end = at + run.iter().map(|(length, _)| length).sum::<usize>();
            match self {
                _ if run[0].1 => bits.store(&chunk[at..end]),
                Packer::Fast(finder, tokens) => fast(finder, tokens, &chunk[..end], at, &mut bits),
                Packer::Zlib(zlib) => bits.append(&zlibbed(zlib, &chunk[at..end])?),
            }
            at = end;
        }
        Ok(bits.finish())
    }
}

fn fast(
    finder: &mut Finder,
    tokens: &mut Vec<Token>,
    content: &[u8],
    mut at: usize,
    bits: &mut Bits,
) {
    while at < content.len() {
        let end = finder.search(content, at, tokens);
        block::write(bits, &content[at..end], tokens);
        at = end;
    }
}

/// What zlib makes of the bytes. It ends with a whole byte.
fn zlibbed(zlib: &mut Compress, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    zlib.reset();
    let mut packed = Vec::with_capacity(bytes.len() / 2 + 1024);
    loop {
        let taken = usize::try_from(zlib.total_in()).unwrap_or(bytes.len());
        zlib.compress_vec(&bytes[taken.min(bytes.len())..], &mut packed, FlushCompress::Sync)?;
        if packed.len() < packed.capacity() {
            return Ok(packed);
        }
        packed.reserve(bytes.len() / 4 + 1024);
    }
}
