//! What is around the deflated blocks: the header of the format, and its checksum.

use crc32fast::Hasher;
use simd_adler32::Adler32;

/// The header of a zlib stream with a window of 32 KiB (RFC 1950, 2.2).
const ZLIB: [u8; 2] = [0x78, 0x9c];
/// The header of a gzip member without a name and a time, from Unix (RFC 1952, 2.3).
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// What is around the deflated blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 1950.
    Zlib,
    /// RFC 1952.
    Gzip,
}

/// The checksum of a format, while its content passes.
pub(crate) enum Check {
    Zlib(Adler32),
    /// With the length of the content, of which gzip keeps the lower half.
    Gzip(Hasher, u32),
}

impl Check {
    pub(crate) fn new(format: Format) -> Check {
        match format {
            Format::Zlib => Check::Zlib(Adler32::new()),
            Format::Gzip => Check::Gzip(Hasher::new(), 0),
        }
    }

    pub(crate) fn header(&self) -> &'static [u8] {
        match self {
            Check::Zlib(_) => &ZLIB,
            Check::Gzip(..) => &GZIP,
        }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        match self {
            Check::Zlib(sum) => sum.write(bytes),
            Check::Gzip(sum, length) => {
                sum.update(bytes);
                *length = length.wrapping_add(bytes.len() as u32);
            }
        }
    }

    /// What stands behind the last block.
    pub(crate) fn trailer(&self) -> Vec<u8> {
        match self {
            Check::Zlib(sum) => sum.finish().to_be_bytes().to_vec(),
            Check::Gzip(sum, length) => {
                [sum.clone().finalize().to_le_bytes(), length.to_le_bytes()].concat()
            }
        }
    }
}
