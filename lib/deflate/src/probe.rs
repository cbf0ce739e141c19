//! Whether compressing is worth its time.

/// The distance of the bytes that are looked at; odd, so as not to fall in step with records.
const STRIDE: usize = 13;
/// Bits of information in a byte, of 8, from which on deflating is not worth its time.
const RANDOM: f64 = 7.8;

/// Whether the bytes look as if they were random, or compressed or encrypted already.
pub(crate) fn is_random(piece: &[u8]) -> bool {
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
