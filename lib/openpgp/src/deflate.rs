//! Compression as OpenPGP's ZLIB packets have it, with an eye for what can't be compressed:
//! pictures, films and archives take the longest to deflate, and only grow by it.

use std::io::{self, Write};

use flate2::{Compress, Compression, FlushCompress, Status};
use simd_adler32::Adler32;

/// How much is looked at, and compressed, at a time: the most that a stored block takes.
const PIECE: usize = 65_535;
/// The distance of the bytes that are looked at; odd, so as not to fall in step with records.
const STRIDE: usize = 13;
/// Bits of information in a byte, of 8, from which on deflating is not worth its time.
const RANDOM: f64 = 7.8;

/// The header of a zlib stream with a window of 32 KiB (RFC 1950, 2.2).
const HEADER: [u8; 2] = [0x78, 0x9c];
/// A last block, stored, with nothing in it (RFC 1951, 3.2.4).
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// A writer that compresses what it hands on. It ends with [`Deflate::finish`] only.
///
/// The stream is put together from what flate2 deflates and from blocks that are stored as they
/// are, since flate2 can't change the level of a stream where zlib-rs is behind it.
pub(crate) struct Deflate<W> {
    to: W,
    stream: Compress,
    checksum: Adler32,
    /// Whether blocks are being stored at the moment.
    stores: bool,
    piece: Vec<u8>,
    output: Vec<u8>,
}

impl<W: Write> Deflate<W> {
    /// With a level of 1 (fast) to 9 (small).
    pub(crate) fn new(mut to: W, level: u8) -> io::Result<Deflate<W>> {
        to.write_all(&HEADER)?;
        Ok(Deflate {
            to,
            stream: Compress::new(Compression::new(level.into()), false),
            checksum: Adler32::new(),
            stores: false,
            piece: Vec::with_capacity(PIECE),
            output: Vec::with_capacity(PIECE),
        })
    }

    /// Ends the compressed stream.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.send_piece()?;
        if self.stores {
            self.to.write_all(&LAST_BLOCK)?;
        } else {
            self.run(&[], FlushCompress::Finish)?;
        }
        self.to.write_all(&self.checksum.finish().to_be_bytes())?;
        Ok(self.to)
    }

    fn send_piece(&mut self) -> io::Result<()> {
        let mut piece = std::mem::take(&mut self.piece);
        self.checksum.write(&piece);
        let stored_before = std::mem::replace(&mut self.stores, is_random(&piece));
        if self.stores {
            if !stored_before {
                self.run(&[], FlushCompress::Sync)?;
            }
            self.store(&piece)?;
        } else {
            if stored_before {
                // It must not refer to what it has not seen.
                self.stream.reset();
            }
            self.run(&piece, FlushCompress::None)?;
        }
        piece.clear();
        self.piece = piece;
        Ok(())
    }

    /// Writes a stored block that is not the last one (RFC 1951, 3.2.4).
    fn store(&mut self, piece: &[u8]) -> io::Result<()> {
        let length = u16::try_from(piece.len()).map_err(io::Error::other)?;
        self.to.write_all(&[0])?;
        self.to.write_all(&length.to_le_bytes())?;
        self.to.write_all(&(!length).to_le_bytes())?;
        self.to.write_all(piece)
    }

    fn run(&mut self, mut input: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            self.output.clear();
            let before = self.stream.total_in();
            let status = self.stream.compress_vec(input, &mut self.output, flush)?;
            let taken = usize::try_from(self.stream.total_in() - before).unwrap_or(input.len());
            input = &input[taken.min(input.len())..];
            self.to.write_all(&self.output)?;
            let has_room = self.output.len() < self.output.capacity();
            if status == Status::StreamEnd || (input.is_empty() && has_room) {
                return Ok(());
            }
        }
    }
}

impl<W: Write> Write for Deflate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.send_piece()?;
        }
        Ok(taken)
    }

    /// Pieces go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the bytes look as if they were random, or compressed or encrypted already.
fn is_random(piece: &[u8]) -> bool {
    let mut counts = [0u32; 256];
    for byte in piece.iter().step_by(STRIDE) {
        counts[usize::from(*byte)] += 1;
    }
    let total = piece.len().div_ceil(STRIDE) as f64;
    let bits = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    });
    bits.sum::<f64>() > RANDOM
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read;

    fn deflated(content: &[u8], level: u8, pieces: usize) -> Vec<u8> {
        let mut deflate = Deflate::new(Vec::new(), level).unwrap();
        content.chunks(pieces).for_each(|piece| deflate.write_all(piece).unwrap());
        deflate.finish().unwrap()
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

    #[test]
    fn what_is_compressed_already_hardly_grows() {
        let content = noise(1 << 20);
        let length = deflated(&content, 6, 1 << 16).len();
        assert!(length < content.len() + 1000, "{length}");
        assert!(deflated(&vec![7; 1 << 20], 6, 1 << 16).len() < 5000);
    }

    proptest! {
        #[test]
        fn zlib_reads_what_was_written(
            parts in proptest::collection::vec((any::<bool>(), 0usize..150_000), 0..6),
            level in 1u8..10,
            pieces in 1usize..100_000,
        ) {
            let text = b"moo says the cow, ".repeat(10_000);
            let random = noise(150_000);
            let mut content = Vec::new();
            for (is_random, length) in parts {
                content.extend_from_slice(if is_random { &random[..length] } else { &text[..length] });
            }
            let packed = deflated(&content, level, pieces);
            let mut unpacked = Vec::new();
            flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
            prop_assert!(unpacked == content);
        }
    }
}
