//! Strong sums: what tells that two blocks are equal.

use blake2b_simd::Params;
use blake2b_simd::many::{HashManyJob, hash_many};
use md4::{Digest, Md4};

/// The longest strong sum, in bytes.
pub(crate) const LONGEST: usize = 32;

/// The strong sum of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// All 32 bytes of BLAKE2b.
    Blake2,
    /// MD4 cut to 8 bytes: duplicity's own choice, and all that librsync before 1.0 knows. Blocks
    /// with equal sums can be made at will.
    Md4,
}

/// A whole strong sum; MD4 fills the first 16 bytes.
pub(crate) type Sum = [u8; LONGEST];

impl Hash {
    /// How many bytes of a sum there are.
    pub(crate) fn length(self) -> usize {
        match self {
            Hash::Blake2 => LONGEST,
            Hash::Md4 => 16,
        }
    }

    /// The sum of one block.
    pub(crate) fn sum(self, block: &[u8]) -> Sum {
        match self {
            Hash::Blake2 => whole(parameters().hash(block).as_bytes()),
            Hash::Md4 => whole(&Md4::digest(block)),
        }
    }

    /// The sums of some blocks, which is faster than one after another where they are of one
    /// length.
    pub(crate) fn sums<'a>(self, blocks: impl Iterator<Item = &'a [u8]>) -> Vec<Sum> {
        if self == Hash::Md4 {
            return blocks.map(|block| self.sum(block)).collect();
        }
        let parameters = parameters();
        let mut jobs: Vec<_> = blocks.map(|block| HashManyJob::new(&parameters, block)).collect();
        hash_many(&mut jobs);
        jobs.iter().map(|job| whole(job.to_hash().as_bytes())).collect()
    }
}

fn parameters() -> Params {
    let mut parameters = Params::new();
    parameters.hash_length(LONGEST);
    parameters
}

fn whole(bytes: &[u8]) -> Sum {
    let mut sum = [0; LONGEST];
    sum[..bytes.len()].copy_from_slice(bytes);
    sum
}
