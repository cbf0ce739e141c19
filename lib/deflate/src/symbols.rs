//! The symbols of lengths and distances (RFC 1951, 3.2.5).

/// The shortest and the longest match.
pub(crate) const SHORTEST: usize = 3;
pub(crate) const LONGEST: usize = 258;
/// How far back a match may lie.
pub(crate) const FARTHEST: usize = 32_768;
/// The symbol that ends a block, and the first of those that are lengths.
pub(crate) const END: usize = 256;
pub(crate) const LENGTHS: usize = 257;
/// How many symbols there are for literals and lengths, and for distances.
pub(crate) const SYMBOLS: usize = 286;
pub(crate) const DISTANCES: usize = 30;

/// A symbol, with how many bits follow it and the lowest number that it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Symbol {
    pub(crate) symbol: u16,
    pub(crate) more: u8,
    pub(crate) base: u16,
}

/// By length; below the shortest, what is there means nothing.
pub(crate) static OF_LENGTH: [Symbol; LONGEST + 1] = of_lengths();
/// By distance less one up to 256, and then by its upper bits.
static OF_DISTANCE: [Symbol; 512] = of_distances();

/// The symbol of a distance.
#[inline(always)]
pub(crate) fn of_distance(distance: usize) -> Symbol {
    let less = distance.wrapping_sub(1);
    let place = if less < 256 { less } else { 256 + (less >> 7) };
    OF_DISTANCE[place & 511]
}

const fn of_lengths() -> [Symbol; LONGEST + 1] {
    let mut all = [Symbol { symbol: LENGTHS as u16, more: 0, base: 0 }; LONGEST + 1];
    let (mut symbol, mut base) = (0, SHORTEST);
    while symbol < 28 {
        let more = if symbol < 4 { 0 } else { symbol / 4 - 1 };
        let mut length = base;
        while length < base + (1 << more) && length < LONGEST {
            let number = (LENGTHS + symbol) as u16;
            all[length] = Symbol { symbol: number, more: more as u8, base: base as u16 };
            length += 1;
        }
        base += 1 << more;
        symbol += 1;
    }
    all[LONGEST] = Symbol { symbol: SYMBOLS as u16 - 1, more: 0, base: LONGEST as u16 };
    all
}

const fn of_distances() -> [Symbol; 512] {
    let mut all = [Symbol { symbol: 0, more: 0, base: 0 }; 512];
    let (mut symbol, mut base) = (0, 1);
    while symbol < DISTANCES {
        let more = if symbol < 2 { 0 } else { symbol / 2 - 1 };
        let entry = Symbol { symbol: symbol as u16, more: more as u8, base: base as u16 };
        let mut distance = base;
        while distance < base + (1 << more) {
            let less = distance - 1;
            all[if less < 256 { less } else { 256 + (less >> 7) }] = entry;
            distance += if less < 256 { 1 } else { 128 };
        }
        base += 1 << more;
        symbol += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_distance_has_a_symbol_that_reaches_it() {
        for (length, symbol) in OF_LENGTH.iter().enumerate().skip(SHORTEST) {
            let Symbol { more, base, .. } = *symbol;
            assert!((usize::from(base)..usize::from(base) + (1 << more)).contains(&length));
        }
        for distance in 1..=FARTHEST {
            let Symbol { more, base, .. } = of_distance(distance);
            assert!((usize::from(base)..usize::from(base) + (1 << more)).contains(&distance));
        }
        assert_eq!((OF_LENGTH[257].symbol, OF_LENGTH[258].symbol), (284, 285));
        assert_eq!((of_distance(24_576).symbol, of_distance(24_577).symbol), (28, 29));
    }
}
