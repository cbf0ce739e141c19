//! The two codes of a block: of literals and lengths, and of distances.

use crate::huffman;
use crate::symbols::{DISTANCES, END, LONGEST, OF_LENGTH, SHORTEST, SYMBOLS, Symbol, of_distance};

/// No code is longer: so four of them and what is left of a byte fit in 64 bits.
const LONGEST_CODE: usize = 14;

/// How often symbols come in a block.
pub(crate) struct Counts {
    pub(crate) symbols: [u32; SYMBOLS],
    pub(crate) distances: [u32; DISTANCES],
}

impl Counts {
    /// Of a block with nothing in it but its end.
    pub(crate) fn new() -> Counts {
        let mut symbols = [0; SYMBOLS];
        symbols[END] = 1;
        Counts { symbols, distances: [0; DISTANCES] }
    }
}

/// The lengths of all codes.
pub(crate) struct Lengths {
    pub(crate) symbols: Vec<u8>,
    pub(crate) distances: Vec<u8>,
}

impl Lengths {
    /// The best ones.
    pub(crate) fn of(counts: &Counts) -> Lengths {
        Lengths {
            symbols: huffman::lengths(&counts.symbols, LONGEST_CODE),
            distances: huffman::lengths(&counts.distances, LONGEST_CODE),
        }
    }

    /// Those that need no telling (RFC 1951, 3.2.6).
    pub(crate) fn fixed() -> Lengths {
        let mut symbols = vec![8; 288];
        symbols[144..256].fill(9);
        symbols[256..280].fill(7);
        Lengths { symbols, distances: vec![5; 32] }
    }

    /// How many bits the content takes, with what follows its symbols.
    pub(crate) fn bits(&self, counts: &Counts) -> usize {
        let more_of_lengths =
            |symbol: usize| if symbol < 265 || symbol == 285 { 0 } else { (symbol - 261) / 4 };
        let more_of_distances = |symbol: usize| (symbol / 2).saturating_sub(1);
        let of = |counts: &[u32], lengths: &[u8], more: &dyn Fn(usize) -> usize| {
            let each = counts.iter().zip(lengths).enumerate();
            each.map(|(symbol, (count, length))| {
                *count as usize * (usize::from(*length) + more(symbol))
            })
            .sum::<usize>()
        };
        of(&counts.symbols, &self.symbols, &more_of_lengths)
            + of(&counts.distances, &self.distances, &more_of_distances)
    }
}

/// Bits to be written, and how many.
#[derive(Clone, Copy, Default)]
pub(crate) struct Code {
    pub(crate) bits: u32,
    pub(crate) count: u32,
}

/// What is written for literals, for lengths and for distances.
pub(crate) struct Codes {
    /// And for the end.
    pub(crate) literals: [Code; END + 1],
    /// With the bits that follow.
    pub(crate) lengths: [Code; LONGEST + 1],
    distances: [Code; 32],
}

impl Codes {
    pub(crate) fn new(lengths: &Lengths) -> Codes {
        let symbols = joined(&lengths.symbols);
        let mut codes = Codes {
            literals: [Code::default(); END + 1],
            lengths: [Code::default(); LONGEST + 1],
            distances: [Code::default(); 32],
        };
        codes.literals.copy_from_slice(&symbols[..=END]);
        for (length, of_length) in OF_LENGTH.iter().enumerate().skip(SHORTEST) {
            let Code { bits, count } = symbols[usize::from(of_length.symbol)];
            let rest = length as u32 - u32::from(of_length.base);
            let both = count + u32::from(of_length.more);
            codes.lengths[length] = Code { bits: bits | rest << count, count: both };
        }
        codes
            .distances
            .iter_mut()
            .zip(joined(&lengths.distances))
            .for_each(|(to, code)| *to = code);
        codes
    }

    /// With the bits that follow.
    #[inline(always)]
    pub(crate) fn distance(&self, distance: usize) -> Code {
        let Symbol { symbol, more, base } = of_distance(distance);
        let Code { bits, count } = self.distances[usize::from(symbol) & 31];
        let rest = distance as u32 - u32::from(base);
        Code { bits: bits | rest << count, count: count + u32::from(more) }
    }
}

fn joined(lengths: &[u8]) -> Vec<Code> {
    let codes = huffman::codes(lengths).into_iter().zip(lengths);
    codes.map(|(bits, length)| Code { bits, count: (*length).into() }).collect()
}
