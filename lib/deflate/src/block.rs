//! One block (RFC 1951, 3.2.3), which is never the last one.

use crate::bits::Bits;
use crate::codes::{Codes, Counts, Lengths};
use crate::finder::Token;
use crate::head::Head;
use crate::symbols::{END, OF_LENGTH, of_distance};

const FIXED: u32 = 1;
const OWN: u32 = 2;

/// Writes content in the shortest of the three kinds of blocks. It has been searched for matches.
pub(crate) fn write(bits: &mut Bits, content: &[u8], tokens: &[Token]) {
    let counts = count(content, tokens);
    let (own, fixed) = (Lengths::of(&counts), Lengths::fixed());
    let head = Head::new(&own);
    let of_own = head.bits() + own.bits(&counts);
    let of_fixed = fixed.bits(&counts);
    if content.len() * 8 + 40 < of_own.min(of_fixed) {
        return bits.store(content);
    }
    if of_fixed <= of_own {
        bits.put(FIXED << 1, 3);
        return write_tokens(bits, content, tokens, &Codes::new(&fixed));
    }
    bits.put(OWN << 1, 3);
    head.write(bits);
    write_tokens(bits, content, tokens, &Codes::new(&own));
}

fn count(mut content: &[u8], tokens: &[Token]) -> Counts {
    let mut counts = Counts::new();
    for token in tokens {
        let (literals, rest) = content.split_at(token.literals as usize);
        literals.iter().for_each(|byte| counts.symbols[usize::from(*byte)] += 1);
        if token.length > 0 {
            let length = usize::from(token.length);
            counts.symbols[usize::from(OF_LENGTH[length].symbol)] += 1;
            counts.distances[usize::from(of_distance(token.distance.into()).symbol)] += 1;
        }
        content = &rest[token.length.into()..];
    }
    counts
}

fn write_tokens(bits: &mut Bits, mut content: &[u8], tokens: &[Token], codes: &Codes) {
    for token in tokens {
        let (literals, rest) = content.split_at(token.literals as usize);
        write_literals(bits, literals, codes);
        if token.length > 0 {
            let length = codes.lengths[usize::from(token.length)];
            let distance = codes.distance(token.distance.into());
            bits.add(length.bits, length.count);
            bits.add(distance.bits, distance.count);
            bits.send();
        }
        content = &rest[token.length.into()..];
    }
    bits.add(codes.literals[END].bits, codes.literals[END].count);
    bits.send();
}

#[inline(always)]
fn write_literals(bits: &mut Bits, literals: &[u8], codes: &Codes) {
    let fours = literals.chunks_exact(4);
    let rest = fours.remainder();
    let add = |bits: &mut Bits, byte: &u8| {
        let code = codes.literals[usize::from(*byte)];
        bits.add(code.bits, code.count);
    };
    for four in fours {
        four.iter().for_each(|byte| add(bits, byte));
        bits.send();
    }
    rest.iter().for_each(|byte| add(bits, byte));
    bits.send();
}
