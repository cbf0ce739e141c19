//! Where the blocks of a signature are found by their sums.

use super::filter::Filter;
use crate::sums::Sums;

/// Spreads weak sums, which differ in few bits, over all of a word. Odd, so that none meet.
const SPREAD: u32 = 0x9e37_79b1;
/// How many sums are sieved at once.
pub(crate) const SIEVED: usize = 64;

/// All different blocks, in the order of their sums. Whatever the sums are, a search takes no
/// more than the logarithm of their number in steps.
pub(crate) struct Index {
    filter: Filter,
    /// Where the blocks start whose spread sums begin with the same bits.
    starts: Vec<u32>,
    bits: u32,
    blocks: Vec<Block>,
}

/// A block's spread weak sum, and its number.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    spread: u32,
    number: u32,
}

impl Block {
    pub(crate) fn number(self) -> usize {
        self.number as usize
    }
}

impl Index {
    pub(crate) fn new(sums: &Sums) -> Index {
        let blocks = sorted(sums);
        let bits = logarithm(blocks.len());
        Index { filter: filter(sums, bits), starts: starts(&blocks, bits), bits, blocks }
    }

    /// Which of some weak sums may be those of blocks: a bit for each, the lowest for the first.
    /// Most of those of no block are not among them.
    pub(crate) fn sieve(&self, sums: &[u32]) -> u64 {
        let bit = |(at, sum): (usize, &u32)| self.filter.may_have(*sum) << at;
        sums.iter().take(SIEVED).enumerate().map(bit).fold(0, |bits, bit| bits | bit)
    }

    /// The blocks that have a weak sum.
    pub(crate) fn find(&self, weak: u32) -> &[Block] {
        if !self.filter.has(weak) {
            return &[];
        }
        let spread = spread(weak);
        let bucket = high(spread, self.bits);
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        let bucket = &self.blocks[start as usize..end as usize];
        let from = bucket.partition_point(|block| block.spread < spread);
        let to = bucket.partition_point(|block| block.spread <= spread);
        &bucket[from..to]
    }
}

/// Of equal blocks, the first is kept.
fn sorted(sums: &Sums) -> Vec<Block> {
    let block = |number| {
        let (weak, _) = sums.get(number)?;
        Some(Block { spread: spread(weak), number: number as u32 })
    };
    let strong = |block: &Block| sums.strong(block.number());
    let mut blocks = Vec::with_capacity(sums.count());
    blocks.extend((0..sums.count()).filter_map(block));
    blocks.sort_unstable_by(|one, other| {
        let weak = one.spread.cmp(&other.spread);
        let strong = || strong(one).cmp(strong(other));
        weak.then_with(strong).then(one.number.cmp(&other.number))
    });
    blocks.dedup_by(|later, first| later.spread == first.spread && strong(later) == strong(first));
    blocks
}

fn filter(sums: &Sums, bits: u32) -> Filter {
    let mut filter = Filter::new(bits);
    for (weak, _) in (0..sums.count()).filter_map(|number| sums.get(number)) {
        filter.add(weak);
    }
    filter
}

fn starts(blocks: &[Block], bits: u32) -> Vec<u32> {
    let mut starts = vec![0; (1 << bits) + 1];
    for block in blocks {
        starts[high(block.spread, bits) + 1] += 1;
    }
    for bucket in 1..starts.len() {
        starts[bucket] += starts[bucket - 1];
    }
    starts
}

fn spread(weak: u32) -> u32 {
    weak.wrapping_mul(SPREAD)
}

/// The highest bits of a word; 32 at the most.
fn high(word: u32, bits: u32) -> usize {
    (u64::from(word) >> (32 - bits)) as usize
}

/// The logarithm of the next power of two.
fn logarithm(number: usize) -> u32 {
    number.next_power_of_two().ilog2().min(31)
}
