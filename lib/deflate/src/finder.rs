//! Finding fast what has been there before: of the places where something of the same hash was, two
//! are known.

use crate::symbols::{FARTHEST, LONGEST};

/// Literals, and the match behind them, if there is one.
#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub(crate) literals: u32,
    /// 0 without a match.
    pub(crate) length: u16,
    pub(crate) distance: u16,
}

/// How much may be in a block: content, and tokens.
const BLOCK: usize = 128 << 10;
const TOKENS: usize = 16 << 10;
/// How many bits a hash has.
const BITS: u32 = 14;
/// How many bytes a match has at least.
const SHORTEST: usize = 4;
/// Where so many literals have come in a row, as a power of two, places are left out.
const PATIENCE: u32 = 7;
/// The places inside of a match that are noted: every second one of so many.
const NOTED: usize = 16;

/// By hash, the lower halves of the last two places: the table has to fit into the cache, and what
/// is farther away than they tell is too far away.
pub(crate) struct Finder {
    places: Box<[u32; 1 << BITS]>,
}

struct Match {
    at: usize,
    length: usize,
    distance: usize,
}

impl Finder {
    pub(crate) fn new() -> Finder {
        Finder { places: Box::new([0; 1 << BITS]) }
    }

    /// Forgets everything. Place 0 is then one like any other: what is there is compared.
    pub(crate) fn reset(&mut self) {
        self.places.fill(0);
    }

    /// Looks through as much of the content from `begin` on as belongs in one block. Returns where
    /// that ends.
    pub(crate) fn search(
        &mut self,
        content: &[u8],
        begin: usize,
        tokens: &mut Vec<Token>,
    ) -> usize {
        tokens.clear();
        let (mut at, end) = (begin, end_of_block(content, begin));
        while tokens.len() < TOKENS {
            let Some(Match { at: place, length, distance }) = self.next(content, at, end) else {
                if at < end {
                    tokens.push(Token { literals: (end - at) as u32, length: 0, distance: 0 });
                }
                return at.max(end);
            };
            let literals = (place - at) as u32;
            tokens.push(Token { literals, length: length as u16, distance: distance as u16 });
            at = place + length;
            self.note_some(content, place + 1, at.min(place + NOTED));
        }
        at
    }

    /// The next match at `from` or behind it, but before `end`.
    fn next(&mut self, content: &[u8], from: usize, end: usize) -> Option<Match> {
        let end = end.min(content.len().saturating_sub(8));
        let mut at = from;
        while at < end {
            let here = word(content, at);
            let distances = self.note(here, at);
            let differs = distances.map(|away| word(content, at.wrapping_sub(away)) ^ here);
            if differs[0] as u32 == 0 || differs[1] as u32 == 0 {
                let length = |place: usize| length(content, at, distances[place], differs[place]);
                let (first, second) = (length(0), length(1));
                let better = usize::from(second > first);
                let (length, distance) = (first.max(second), distances[better]);
                if length >= SHORTEST {
                    return Some(Match { at, length, distance });
                }
            }
            at += 1 + ((at - from) >> PATIENCE);
        }
        None
    }

    /// Notes every second place.
    #[inline(always)]
    fn note_some(&mut self, content: &[u8], mut place: usize, end: usize) {
        while place < end {
            self.note(word(content, place), place);
            place += 2;
        }
    }

    /// Notes a place, and tells how far away those before it are.
    #[inline(always)]
    fn note(&mut self, word: u64, at: usize) -> [usize; 2] {
        let places = &mut self.places[hash(word)];
        let before = *places;
        *places = before << 16 | (at as u32 & 0xffff);
        let away = |place: u32| usize::from((at as u16).wrapping_sub(place as u16));
        [away(before), away(before >> 16)]
    }
}

fn end_of_block(content: &[u8], begin: usize) -> usize {
    // None is so short that its head weighs much.
    let is_last = content.len() - begin < BLOCK + BLOCK / 4;
    if is_last { content.len() } else { begin + BLOCK }
}

/// How long the match with an earlier place is, of which the first eight bytes differ so; 0 where
/// there is no such place.
#[inline(always)]
fn length(content: &[u8], at: usize, distance: usize, differs: u64) -> usize {
    if distance == 0 || distance > FARTHEST.min(at) {
        return 0;
    }
    let mut length = 0;
    let mut differs = differs;
    while differs == 0 {
        length += 8;
        if length + 8 > LONGEST || at + length + 8 > content.len() {
            return length;
        }
        differs = word(content, at + length) ^ word(content, at + length - distance);
    }
    length + (differs.trailing_zeros() / 8) as usize
}

/// Eight bytes; zeros where there are fewer.
#[inline(always)]
fn word(content: &[u8], at: usize) -> u64 {
    let eight = content.get(at..).and_then(<[u8]>::first_chunk);
    eight.map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// The hash of the first five bytes.
#[inline(always)]
fn hash(word: u64) -> usize {
    ((word << 24).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - BITS)) as usize
}
