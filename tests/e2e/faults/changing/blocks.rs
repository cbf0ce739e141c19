//! Content that tells of itself which version of which file it is of, so that what is restored can
//! be known to be what the file was at one moment, or not to be.

use sha2::{Digest, Sha256};

/// The length of a block in bytes.
pub(super) const BLOCK: usize = 64;

/// What a block tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The file that it was written to.
    pub(super) file: u64,
    /// Counted up with each pass over the file, or with each write.
    pub(super) version: u64,
    /// Its place in the file.
    pub(super) index: u64,
    /// How many blocks this version has, where that is known at its start.
    pub(super) total: u64,
}

impl Block {
    /// As it lies in the file: the numbers, and a hash of them.
    pub(super) fn bytes(self) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        let numbers = [self.file, self.version, self.index, self.total];
        for (place, number) in bytes.chunks_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let hash = Sha256::digest(&bytes[..32]);
        bytes[32..].copy_from_slice(&hash);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Block> {
        let mut numbers = bytes.chunks(8).map(|number| {
            let number: [u8; 8] = number.try_into().unwrap_or_default();
            u64::from_le_bytes(number)
        });
        let mut next = || numbers.next();
        let block = Block { file: next()?, version: next()?, index: next()?, total: next()? };
        (block.bytes() == bytes).then_some(block)
    }
}

/// That many blocks of one version, from the first one on.
pub(super) fn version(file: u64, version: u64, total: u64) -> Vec<u8> {
    (0..total).flat_map(|index| Block { file, version, index, total }.bytes()).collect()
}

/// The blocks of a file, each in its place; none where something else is in it.
pub(super) fn parse(file: u64, content: &[u8]) -> Option<Vec<Block>> {
    let blocks: Option<Vec<_>> = content.chunks(BLOCK).map(Block::parse).collect();
    let blocks = blocks?;
    let in_place = blocks.iter().zip(0..).all(|(block, n)| (block.file, block.index) == (file, n));
    in_place.then_some(blocks)
}
