//! How long the blocks of a signature are.

/// Less would find some more of what a small file has kept, but in all sums of a full set it costs
/// more bytes than it saves in dozens of increments. A page of a database is a multiple of it.
const STEP: u64 = 1024;
/// The longest block that is made or looked for, so that some always fit in memory: that of a file
/// of 64 TiB.
pub(crate) const LONGEST: usize = 8 << 20;

/// The block length for a file of `size` bytes: the square root, rounded up to a multiple of 1024;
/// at most 8 MiB.
pub fn block_length(size: u64) -> usize {
    let length = size.isqrt().next_multiple_of(STEP).max(STEP);
    usize::try_from(length).map_or(LONGEST, |length| length.min(LONGEST))
}

/// How many blocks are hashed at once: as many as there are lanes in a vector, unless they are so
/// long that it would take much memory.
pub(crate) fn lanes(length: usize) -> usize {
    if length <= 1 << 20 { blake2b_simd::many::degree().max(1) } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::block_length;

    #[test]
    fn block_lengths_grow_with_the_square_root() {
        let known = [
            (0, 1024),
            (1_048_576, 1024),
            (1_050_624, 1024),
            (1_050_625, 2048),
            (100_000_000, 10_240),
            (u64::MAX, 8 << 20),
        ];
        for (size, length) in known {
            assert_eq!(block_length(size), length, "{size}");
        }
    }
}
