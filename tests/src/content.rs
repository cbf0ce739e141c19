//! File contents that are the same in every run: noise that no compressor shrinks.

/// That many bytes of noise, different for each seed.
pub(crate) fn noise(seed: &[u8], len: usize) -> Vec<u8> {
    let mut state = seed.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = next(state);
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// FNV-1a: spreads the seed over all bits.
fn fold(hash: u64, byte: &u8) -> u64 {
    (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Marsaglia's xorshift64.
fn next(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ (state << 17)
}
