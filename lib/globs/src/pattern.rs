//! The parts that a glob is made of.

use crate::text::{Symbol, folded, raised, symbols};

pub(crate) const SLASH: Symbol = b'/' as Symbol;

/// One part of a glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// That symbol.
    One(Symbol),
    /// `?`: any but a slash.
    Any,
    /// `[…]` or `[!…]`: any of those ranges, or any that is in none.
    Class { ranges: Vec<(Symbol, Symbol)>, negated: bool },
    /// `*`: any number, but no slash.
    Star,
    /// `**`: any number of any.
    Stars,
}

impl Part {
    /// Whether it takes any number of symbols, or none.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self, Part::Star | Part::Stars)
    }

    /// Whether it takes that symbol.
    pub(crate) fn takes(&self, symbol: Symbol, ignore_case: bool) -> bool {
        match self {
            Part::One(own) => *own == symbol || ignore_case && folded(*own) == folded(symbol),
            Part::Any | Part::Star => symbol != SLASH,
            Part::Stars => true,
            Part::Class { ranges, negated } => {
                let has = |symbol| ranges.iter().any(|(from, to)| (*from..=*to).contains(&symbol));
                let found =
                    has(symbol) || ignore_case && (has(folded(symbol)) || has(raised(symbol)));
                found != *negated
            }
        }
    }
}

/// Reads a glob, which has no way to escape a letter but a class of its own. Where case does not
/// count it is read in lower case, as duplicity does: so the range `[A-z]` is `[a-z]`.
///
/// # Errors
/// A range whose ends are in the wrong order.
pub(crate) fn parse(glob: &[u8], ignore_case: bool) -> Result<Vec<Part>, &'static str> {
    let mut glob = symbols(glob);
    if ignore_case {
        glob.iter_mut().for_each(|symbol| *symbol = folded(*symbol));
    }
    let mut rest = glob.as_slice();
    let mut parts: Vec<Part> = Vec::with_capacity(rest.len());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let part = match char::from_u32(*first) {
            Some('*') => star(&mut parts),
            Some('?') => Part::Any,
            Some('[') => match class(after)? {
                Some((class, after)) => {
                    rest = after;
                    class
                }
                None => Part::One(*first),
            },
            _ => Part::One(*first),
        };
        parts.push(part);
    }
    Ok(parts)
}

/// One more star: what stands before it becomes one with it.
fn star(parts: &mut Vec<Part>) -> Part {
    match parts.pop_if(|last| last.repeats()) {
        Some(_) => Part::Stars,
        None => Part::Star,
    }
}

/// The class after a bracket and what follows it; none where no bracket closes it.
fn class(text: &[Symbol]) -> Result<Option<(Part, &[Symbol])>, &'static str> {
    let is = |symbol: &Symbol, letters: &str| letters.chars().any(|l| Symbol::from(l) == *symbol);
    let negated = text.first().is_some_and(|first| is(first, "!^"));
    let body = &text[usize::from(negated)..];
    // A bracket that comes first is a member.
    let Some(end) = body.iter().skip(1).position(|symbol| is(symbol, "]")) else {
        return Ok(None);
    };
    let (members, after) = (&body[..=end], &body[end + 2..]);
    Ok(Some((Part::Class { ranges: ranges(members)?, negated }, after)))
}

fn ranges(mut members: &[Symbol]) -> Result<Vec<(Symbol, Symbol)>, &'static str> {
    const DASH: Symbol = b'-' as Symbol;
    let mut ranges = Vec::new();
    loop {
        members = match members {
            [] => return Ok(ranges),
            [from, DASH, to, ..] if from > to => {
                return Err("a range of letters that ends before it begins");
            }
            [from, DASH, to, rest @ ..] => {
                ranges.push((*from, *to));
                rest
            }
            [one, rest @ ..] => {
                ranges.push((*one, *one));
                rest
            }
        };
    }
}
