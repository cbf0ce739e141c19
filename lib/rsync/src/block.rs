//! How long the blocks of a signature are.

const STEP: u64 = 512;

/// The block length for a file of `size` bytes, as duplicity 3 chooses it: the square root,
/// rounded up to a multiple of 512.
pub fn block_length(size: u64) -> usize {
    let length = size.isqrt().next_multiple_of(STEP).max(STEP);
    // The root of a u64 fits a u32.
    usize::try_from(length).unwrap_or(1 << 31)
}

#[cfg(test)]
mod tests {
    use super::block_length;

    #[test]
    fn block_lengths_are_those_of_duplicity_3() {
        let known = [
            (0, 512),
            (262_144, 512),
            (262_145, 512),
            (1_048_576, 1024),
            (1_050_625, 1536),
            (100_000_000, 10_240),
        ];
        for (size, length) in known {
            assert_eq!(block_length(size), length, "{size}");
        }
    }
}
