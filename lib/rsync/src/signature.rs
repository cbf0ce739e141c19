//! Signatures: the sums of a file's blocks, by which a delta finds them again.

use std::io::{BufReader, Read};

use librsync::{Signature, SignatureType};
use stream::{Failure, OrFail, Status};

use crate::block::block_length;

const BUFFER: usize = 64 << 10;
/// Magic, block length, strong length.
const HEADER: usize = 12;
const WEAK: usize = 4;

/// The strong sum of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// All 32 bytes of BLAKE2b.
    Blake2,
    /// MD4 cut to 8 bytes: duplicity's own choice, and all that librsync before 1.0 knows. Blocks
    /// with equal sums can be made at will.
    Md4,
}

impl Hash {
    fn parameters(self) -> (usize, SignatureType) {
        match self {
            Hash::Blake2 => (32, SignatureType::Blake2),
            Hash::Md4 => (8, SignatureType::MD4),
        }
    }
}

/// Reads content to its end and returns its signature. `size` is about how many bytes come, and
/// `which` is named in errors.
pub fn sign(which: &str, content: impl Read, size: u64, hash: Hash) -> Result<Vec<u8>, Failure> {
    let (strong, magic) = hash.parameters();
    let content = BufReader::with_capacity(BUFFER, content);
    let mut signature = Vec::new();
    Signature::with_buf_read(content, block_length(size), strong, magic)
        .or_fail(Status::Failed, which)?
        .read_to_end(&mut signature)
        .or_fail(Status::Failed, which)?;
    Ok(signature)
}

/// The bounds of the size of the file that a signature was made of, from the number of its
/// blocks; none where it is no signature that we know.
pub fn file_size(header: &[u8], length: u64) -> Option<std::ops::RangeInclusive<u64>> {
    let (block, strong) = parameters(header)?;
    let sums = length.checked_sub(HEADER as u64)?;
    let sum = (WEAK + strong) as u64;
    if sums % sum != 0 {
        return None;
    }
    let most = (sums / sum).checked_mul(block)?;
    let least = most.checked_sub(block).map_or(0, |least| least + 1);
    Some(least..=most)
}

/// Block length and strong length of a signature, if they are ones that librsync can load.
pub(crate) fn parameters(header: &[u8]) -> Option<(u64, usize)> {
    let word = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let most = match word(0)? {
        0x7273_0136 | 0x7273_0146 => 16,
        0x7273_0137 | 0x7273_0147 => 32,
        _ => return None,
    };
    let (block, strong) = (u64::from(word(4)?), word(8)? as usize);
    let fits = (1..=1 << 31).contains(&block) && (1..=most).contains(&strong);
    fits.then_some((block, strong))
}
