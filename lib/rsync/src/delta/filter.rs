//! What tells at once that no block has a weak sum: almost always, where content is new.

/// Spreads weak sums, which differ in few bits, over all bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// The smallest filter, in words, as a logarithm: a cache line.
const LEAST: u32 = 3;
/// From that size on, a filter grows more slowly than the number of sums: one that leaves the
/// processor's caches costs more than one that lets more through. A logarithm too.
const LARGE: u32 = 16;

/// A word is chosen by a weak sum, and so are two bits in it, which are set for all sums that
/// there are.
pub(crate) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// A filter for sums of that number, which is a logarithm.
    pub(crate) fn new(number: u32) -> Filter {
        let size = number.min(LARGE + number / 8).max(LEAST);
        Filter { words: vec![0; 1 << size] }
    }

    pub(crate) fn add(&mut self, weak: u32) {
        let (word, one, other) = self.place(weak);
        self.words[word] |= 1 << one | 1 << other;
    }

    /// 1 where the first bit is there, which is the cheaper question; else 0.
    pub(crate) fn may_have(&self, weak: u32) -> u64 {
        let (word, one, _) = self.place(weak);
        self.words[word] >> one & 1
    }

    /// Whether both bits are there.
    pub(crate) fn has(&self, weak: u32) -> bool {
        let (word, one, other) = self.place(weak);
        let word = self.words[word];
        word >> one & word >> other & 1 != 0
    }

    /// A word, and two bits in it.
    fn place(&self, weak: u32) -> (usize, u32, u32) {
        // The upper half is better mixed than the lower one.
        let spread = (u64::from(weak).wrapping_mul(SPREAD) >> 32) as u32;
        (spread as usize & (self.words.len() - 1), spread >> 26, spread >> 20 & 63)
    }
}
