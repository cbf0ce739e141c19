//! Changes to an input: the same ones for the same seed.

/// What parsers trip over.
const WORDS: [&[u8]; 16] = [
    b"\0",
    b"\n",
    b" ",
    b"/",
    b"..",
    b".",
    b"\"",
    b"\\x",
    b"-1",
    b"0",
    b"18446744073709551615",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\xc3\xbc",
    b"99999999",
];

/// A source of numbers that are not random (splitmix64).
#[derive(Debug)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0).checked_rem(end).unwrap_or(0)
    }

    /// A part of so many bytes, more often a short one.
    fn part(&mut self, length: usize) -> std::ops::Range<usize> {
        let most = [4, 16, 512, length][self.below(4)].min(length);
        let start = self.below(length + 1);
        let size = self.below(most + 1);
        start..(start + size).min(length)
    }
}

/// One of the seeds with one to four changes.
pub(crate) fn mutated(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut data = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(4) {
        let other = &seeds[numbers.below(seeds.len())];
        change(&mut data, other, numbers);
    }
    data
}

fn change(data: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    let at = numbers.below(data.len());
    let part = numbers.part(data.len());
    match (numbers.below(9), data.get_mut(at)) {
        (0 | 1, Some(byte)) => *byte ^= 1 << numbers.below(8),
        (2, Some(byte)) => *byte = numbers.next() as u8,
        (3, Some(byte)) => *byte = byte.wrapping_add([1, 255][numbers.below(2)]),
        (4, _) => data.truncate(at),
        (5, _) => drop(data.drain(part)),
        (6, _) => {
            let copy = data[part].to_vec();
            data.splice(at..at, copy);
        }
        (7, _) => {
            let foreign = other[numbers.part(other.len())].to_vec();
            data.splice(part, foreign);
        }
        _ => {
            let word = WORDS[numbers.below(WORDS.len())];
            let end = if numbers.below(2) == 0 { at } else { (at + word.len()).min(data.len()) };
            data.splice(at..end, word.iter().copied());
        }
    }
}
