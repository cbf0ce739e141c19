//! The head of a block that tells its own codes (RFC 1951, 3.2.7).

use crate::bits::Bits;
use crate::codes::Lengths;
use crate::huffman;

/// The order in which the lengths of the code of code lengths come.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// How many bits follow the last three of those codes.
const MORE: [u32; 3] = [2, 3, 7];

/// What tells the codes of a block.
pub(crate) struct Head {
    symbols: usize,
    distances: usize,
    /// Codes of code lengths, and what follows each.
    steps: Vec<(usize, u32)>,
    lengths: Vec<u8>,
    /// How many of these are told.
    told: usize,
}

impl Head {
    pub(crate) fn new(codes: &Lengths) -> Head {
        let symbols = used(&codes.symbols).max(257);
        let distances = used(&codes.distances).max(1);
        let all = [&codes.symbols[..symbols], &codes.distances[..distances]].concat();
        let steps = steps(&all);
        let mut counts = [0; 19];
        steps.iter().for_each(|(code, _)| counts[*code] += 1);
        let lengths = huffman::lengths(&counts, 7);
        let told = ORDER.iter().rposition(|code| lengths[*code] > 0).map_or(4, |last| last + 1);
        Head { symbols, distances, steps, lengths, told: told.max(4) }
    }

    /// How many bits it takes.
    pub(crate) fn bits(&self) -> usize {
        let step = |(code, _): &(usize, u32)| u32::from(self.lengths[*code]) + more(*code);
        14 + 3 * self.told + self.steps.iter().map(step).sum::<u32>() as usize
    }

    pub(crate) fn write(&self, bits: &mut Bits) {
        bits.put(self.symbols as u32 - 257, 5);
        bits.put(self.distances as u32 - 1, 5);
        bits.put(self.told as u32 - 4, 4);
        ORDER[..self.told].iter().for_each(|code| bits.put(self.lengths[*code].into(), 3));
        let codes = huffman::codes(&self.lengths);
        for (code, rest) in &self.steps {
            bits.put(codes[*code], self.lengths[*code].into());
            bits.put(*rest, more(*code));
        }
    }
}

fn used(lengths: &[u8]) -> usize {
    lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1)
}

fn more(code: usize) -> u32 {
    code.checked_sub(16).map_or(0, |place| MORE[place])
}

/// Lengths as codes of code lengths, with runs in short.
fn steps(lengths: &[u8]) -> Vec<(usize, u32)> {
    let mut steps = Vec::new();
    for run in lengths.chunk_by(|one, other| one == other) {
        let (length, mut left) = (usize::from(run[0]), run.len() as u32);
        if length > 0 {
            steps.push((length, 0));
            left -= 1;
        }
        while left > 0 {
            let (step, times) = match (length, left) {
                (_, 0..3) => ((length, 0), 1),
                (0, 3..11) => ((17, left - 3), left),
                (0, _) => ((18, left.min(138) - 11), left.min(138)),
                _ => ((16, left.min(6) - 3), left.min(6)),
            };
            steps.push(step);
            left -= times;
        }
    }
    steps
}
