//! Huffman codes of limited length (RFC 1951, 3.2.2).

/// The lengths of the codes of symbols that come so often; 0 for those that never come. The code is
/// complete: where fewer than two symbols come, others get a code too.
pub(crate) fn lengths(counts: &[u32], longest: usize) -> Vec<u8> {
    let mut lengths = vec![0; counts.len()];
    let mut used: Vec<usize> = (0..counts.len()).filter(|symbol| counts[*symbol] > 0).collect();
    if used.len() < 2 {
        let first = used.first().copied().unwrap_or(0);
        lengths[first] = 1;
        lengths[usize::from(first == 0)] = 1;
        return lengths;
    }
    used.sort_by_key(|symbol| counts[*symbol]);
    let sorted: Vec<u32> = used.iter().map(|symbol| counts[*symbol]).collect();
    let depths = limited(depths(&sorted), longest);
    // The rarest have the longest codes.
    let mut rarest = used.into_iter();
    for length in (1..=longest).rev() {
        rarest.by_ref().take(depths[length]).for_each(|symbol| lengths[symbol] = length as u8);
    }
    lengths
}

/// How many codes there are of each length, for counts in rising order.
fn depths(sorted: &[u32]) -> Vec<usize> {
    // Leaves first, then inner nodes in the order that they are made in, which rises too.
    let leaves = sorted.len();
    let mut weights: Vec<u64> = sorted.iter().map(|count| u64::from(*count)).collect();
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut inner) = (0, leaves);
    for node in leaves..2 * leaves - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            let takes_leaf = leaf < leaves && (inner == node || weights[leaf] <= weights[inner]);
            let next = if takes_leaf { &mut leaf } else { &mut inner };
            weight += weights[*next];
            parents[*next] = node;
            *next += 1;
        }
        weights.push(weight);
    }
    let mut depth = vec![0; 2 * leaves - 1];
    let mut depths = vec![0; leaves + 1];
    for node in (0..2 * leaves - 2).rev() {
        depth[node] = depth[parents[node]] + 1;
        if node < leaves {
            depths[depth[node]] += 1;
        }
    }
    depths
}

/// The same with no code longer than that, and still complete.
fn limited(mut depths: Vec<usize>, longest: usize) -> Vec<usize> {
    if depths.len() <= longest + 1 {
        depths.resize(longest + 1, 0);
        return depths;
    }
    depths[longest] += depths.drain(longest + 1..).sum::<usize>();
    let room = |length: usize| 1usize << (longest - length);
    let mut taken: usize = (1..=longest).map(|length| depths[length] * room(length)).sum();
    // Two of the longest find room where a shorter one was, which goes one down with one of them.
    while taken > room(0) {
        let Some(shorter) = (1..longest).rev().find(|length| depths[*length] > 0) else {
            break;
        };
        depths[longest] -= 1;
        depths[shorter] -= 1;
        depths[shorter + 1] += 2;
        taken -= 1;
    }
    depths
}

/// The codes of symbols with these lengths, their bits in the order that they are written in.
pub(crate) fn codes(lengths: &[u8]) -> Vec<u32> {
    let mut next = [0u32; 17];
    for length in lengths.iter().filter(|length| **length > 0) {
        next[usize::from(*length) + 1] += 1;
    }
    for length in 1..next.len() {
        next[length] = (next[length] + next[length - 1]) << 1;
    }
    let code = |length: &u8| {
        let next = &mut next[usize::from(*length)];
        *next += 1;
        (*next - 1).reverse_bits().checked_shr(32 - u32::from(*length)).unwrap_or(0)
    };
    lengths.iter().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_are_complete_and_no_longer_than_allowed(
            counts in proptest::collection::vec(prop_oneof![Just(0u32), 1u32..10, 0u32..1_000_000], 19..286),
            longest in 9usize..16,
        ) {
            let lengths = lengths(&counts, longest);
            let taken: f64 = lengths.iter().filter(|length| **length > 0).map(|length| 0.5f64.powi((*length).into())).sum();
            prop_assert_eq!(taken, 1.0);
            prop_assert!(lengths.iter().all(|length| usize::from(*length) <= longest));
            prop_assert!(counts.iter().zip(&lengths).all(|(count, length)| *count == 0 || *length > 0));
            let mut codes: Vec<_> = codes(&lengths).into_iter().zip(&lengths).filter(|(_, length)| **length > 0)
                .map(|(code, length)| code.reverse_bits() >> (32 - longest) as u32 | u32::from(*length) << 16).collect();
            codes.sort_unstable();
            codes.dedup();
            prop_assert_eq!(codes.len(), lengths.iter().filter(|length| **length > 0).count());
        }
    }

    #[test]
    fn rising_counts_find_a_limit() {
        let fibonacci = |count: usize| {
            let mut pair = (1u32, 1u32);
            (0..count)
                .map(|_| {
                    pair = (pair.1, pair.0 + pair.1);
                    pair.0
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(lengths(&fibonacci(40), 14).iter().max(), Some(&14));
        assert_eq!(lengths(&fibonacci(19), 7).iter().max(), Some(&7));
    }
}
