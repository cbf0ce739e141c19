//! Checksums of shards, made while the bytes pass by, before the size of a shard is known.
//!
//! They tell damage, and no attack: that is for the hash in the seal.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::geometry::LEAF;

/// The checksums of the leaves of a row of bytes.
#[derive(Default)]
pub(crate) struct Leaves {
    sums: Vec<u64>,
    /// The start of the next leaf.
    part: Vec<u8>,
}

impl Leaves {
    /// Adds bytes.
    pub(crate) fn add(&mut self, mut bytes: &[u8]) {
        if !self.part.is_empty() {
            let missing = (LEAF - self.part.len()).min(bytes.len());
            let (head, rest) = bytes.split_at(missing);
            self.part.extend_from_slice(head);
            bytes = rest;
            if self.part.len() < LEAF {
                return;
            }
            self.sums.push(xxh3_64(&self.part));
            self.part.clear();
        }
        let leaves = bytes.chunks_exact(LEAF);
        self.part.extend_from_slice(leaves.remainder());
        self.sums.extend(leaves.map(xxh3_64));
    }

    /// Takes the checksums of the next shards of that size, which have come.
    pub(crate) fn whole(&mut self, shard: usize, shards: usize) -> Vec<u64> {
        let leaves = (shard / LEAF * shards).min(self.sums.len());
        let sums = self.sums[..leaves].chunks(shard / LEAF).map(combined).collect();
        self.sums.drain(..leaves);
        sums
    }
}

fn combined(leaves: &[u64]) -> u64 {
    let mut sum = Xxh3::new();
    leaves.iter().for_each(|leaf| sum.update(&leaf.to_le_bytes()));
    sum.digest()
}

/// The checksum of a shard.
pub(crate) fn of_shard(bytes: &[u8]) -> u64 {
    let leaves: Vec<u64> = bytes.chunks(LEAF).map(xxh3_64).collect();
    combined(&leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_shard_does_not_depend_on_how_its_bytes_come() {
        let bytes: Vec<u8> = (0..8 * LEAF).map(|n| ((n * n) >> 7) as u8).collect();
        let whole: Vec<u64> = bytes.chunks(2 * LEAF).map(of_shard).collect();
        for step in [1, 7, LEAF - 1, LEAF, LEAF + 1, 3 * LEAF + 5, bytes.len()] {
            let mut leaves = Leaves::default();
            bytes.chunks(step).for_each(|part| leaves.add(part));
            assert_eq!(leaves.whole(2 * LEAF, 4), whole, "{step}");
        }
    }
}
