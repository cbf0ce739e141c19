//! Weak sums: what a window over content is looked up by, since it moves on by a byte at almost
//! no cost.

/// The kind of weak sum of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Two sums of 16 bits, as in rsync.
    Rollsum,
    /// Rabin and Karp's polynomial modulo 2^32.
    RabinKarp,
}

impl Kind {
    /// The sum of a block.
    pub(crate) fn sum(self, block: &[u8]) -> u32 {
        Weak::of(self, block).sum()
    }
}

/// The weak sum of a window that moves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weak {
    Rollsum(Rollsum),
    RabinKarp(RabinKarp),
}

impl Weak {
    pub(crate) fn of(kind: Kind, window: &[u8]) -> Weak {
        match kind {
            Kind::Rollsum => Weak::Rollsum(Rollsum::of(window)),
            Kind::RabinKarp => Weak::RabinKarp(RabinKarp::of(window)),
        }
    }

    pub(crate) fn sum(&self) -> u32 {
        match self {
            Weak::Rollsum(weak) => weak.sum(),
            Weak::RabinKarp(weak) => weak.hash,
        }
    }

    /// Moves the window on, past bytes that leave it while others enter it, and notes the sum
    /// before each step.
    pub(crate) fn roll(&mut self, gone: &[u8], come: &[u8], sums: &mut [u32]) {
        let steps = gone.iter().zip(come).zip(sums);
        match self {
            Weak::Rollsum(weak) => steps.for_each(|((out, new), sum)| {
                *sum = weak.sum();
                weak.roll(*out, *new);
            }),
            Weak::RabinKarp(weak) => steps.for_each(|((out, new), sum)| {
                *sum = weak.hash;
                weak.roll(*out, *new);
            }),
        }
    }

    /// Makes the window shorter by its first byte.
    pub(crate) fn shorten(&mut self, out: u8) {
        match self {
            Weak::Rollsum(weak) => weak.shorten(out),
            Weak::RabinKarp(weak) => weak.shorten(out),
        }
    }
}

/// Sums of bytes, and of these sums; in the lower 16 bits. Each byte counts 31 more than it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rollsum {
    length: u32,
    first: u32,
    second: u32,
}

const OFFSET: u32 = 31;
/// Bytes are summed in that many columns side by side, for which there are vector instructions.
const COLUMNS: usize = 32;

impl Rollsum {
    fn of(window: &[u8]) -> Rollsum {
        let (rows, rest) = window.as_chunks::<COLUMNS>();
        let (mut first, mut second) = sums_of_rows(rows);
        for byte in rest {
            first = first.wrapping_add(u32::from(*byte));
            second = second.wrapping_add(first);
        }
        let length = window.len() as u64;
        let triangle = length.wrapping_mul(length + 1) / 2;
        first = first.wrapping_add((length as u32).wrapping_mul(OFFSET));
        second = second.wrapping_add((triangle as u32).wrapping_mul(OFFSET));
        Rollsum { length: length as u32, first, second }
    }

    fn sum(&self) -> u32 {
        self.second << 16 | self.first & 0xffff
    }

    fn roll(&mut self, out: u8, new: u8) {
        let (out, new) = (u32::from(out), u32::from(new));
        self.first = self.first.wrapping_add(new.wrapping_sub(out));
        let leaves = self.length.wrapping_mul(out + OFFSET);
        // In this order, the next step waits for one addition alone.
        self.second = self.second.wrapping_add(self.first.wrapping_sub(leaves));
    }

    fn shorten(&mut self, out: u8) {
        let out = u32::from(out) + OFFSET;
        self.first = self.first.wrapping_sub(out);
        self.second = self.second.wrapping_sub(self.length.wrapping_mul(out));
        self.length = self.length.wrapping_sub(1);
    }
}

/// Both sums of whole rows, modulo 2^16: a byte counts in the second once for each byte from it
/// to the end.
fn sums_of_rows(rows: &[[u8; COLUMNS]]) -> (u32, u32) {
    let (mut sums, mut before) = ([0u16; COLUMNS], [0u16; COLUMNS]);
    for row in rows {
        for column in 0..COLUMNS {
            before[column] = before[column].wrapping_add(sums[column]);
            sums[column] = sums[column].wrapping_add(u16::from(row[column]));
        }
    }
    let (mut first, mut second) = (0u32, 0u32);
    for column in 0..COLUMNS {
        let sum = u32::from(sums[column]);
        first += sum;
        let rows_after = u32::from(before[column]) * COLUMNS as u32;
        second = second.wrapping_add(rows_after + sum * (COLUMNS - column) as u32);
    }
    (first, second)
}

/// The window's bytes as digits of a number, after a leading one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RabinKarp {
    hash: u32,
    /// The multiplier to the power of the window's length.
    power: u32,
}

const MULTIPLIER: u32 = 0x0810_4225;
/// By which a power becomes the next lower one.
const INVERSE: u32 = inverse(MULTIPLIER);

const fn inverse(odd: u32) -> u32 {
    let (mut inverse, mut step) = (odd, 0);
    while step < 5 {
        // Newton's step doubles the bits that are right.
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

impl RabinKarp {
    fn of(window: &[u8]) -> RabinKarp {
        let digit =
            |hash: u32, byte: &u8| hash.wrapping_mul(MULTIPLIER).wrapping_add(u32::from(*byte));
        // The power is right modulo 2^32 for any length.
        let power = MULTIPLIER.wrapping_pow(window.len() as u32);
        RabinKarp { hash: window.iter().fold(1, digit), power }
    }

    fn roll(&mut self, out: u8, new: u8) {
        let leaves = self.power.wrapping_mul(u32::from(out).wrapping_add(MULTIPLIER - 1));
        let hash = self.hash.wrapping_mul(MULTIPLIER).wrapping_add(u32::from(new));
        self.hash = hash.wrapping_sub(leaves);
    }

    fn shorten(&mut self, out: u8) {
        self.power = self.power.wrapping_mul(INVERSE);
        let leaves = self.power.wrapping_mul(u32::from(out).wrapping_add(MULTIPLIER - 1));
        self.hash = self.hash.wrapping_sub(leaves);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{Kind, Weak};

    proptest! {
        #[test]
        fn a_sum_that_was_rolled_is_the_sum_of_where_it_has_come_to(
            content in vec(any::<u8>(), 1..400), length in 1usize..200, rabin_karp: bool,
        ) {
            let kind = if rabin_karp { Kind::RabinKarp } else { Kind::Rollsum };
            let length = length.min(content.len());
            let mut weak = Weak::of(kind, &content[..length]);
            let mut sums = vec![0; content.len() - length];
            weak.roll(&content[..content.len() - length], &content[length..], &mut sums);
            sums.push(weak.sum());
            for (at, window) in content.windows(length).enumerate() {
                prop_assert_eq!(sums[at], kind.sum(window));
            }
            for at in content.len() - length..content.len() {
                prop_assert_eq!(weak.sum(), kind.sum(&content[at..]));
                weak.shorten(content[at]);
            }
        }
    }
}
