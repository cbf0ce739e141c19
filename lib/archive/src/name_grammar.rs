//! The grammar of duplicity's file names, as its own readers take them.

use crate::entry::decimal;
use crate::{FileKind, SetId, SetTime};

/// A parsed name.
pub(crate) struct Parsed<'a> {
    pub(crate) set: SetId,
    pub(crate) kind: FileKind,
    pub(crate) partial: bool,
    /// What follows the type word and `.part`: empty, or a dot and anything.
    pub(crate) tail: &'a str,
}

/// Takes a long or a short name apart.
pub(crate) fn parse(raw: &str) -> Option<Parsed<'_>> {
    let (stem, short) = long_stem(raw).or_else(|| short_stem(raw))?;
    let (kind, rest) = if stem.signatures {
        (FileKind::Signatures, stem.rest.strip_prefix(if short { "st" } else { "sigtar" })?)
    } else if short {
        short_kind(stem.rest)?
    } else {
        long_kind(stem.rest)?
    };
    let (partial, tail) = end(rest, if short { ".p" } else { ".part" })?;
    Some(Parsed { set: stem.set, kind, partial, tail })
}

/// The set at the start of a name, and the text after its times.
struct Stem<'a> {
    set: SetId,
    signatures: bool,
    rest: &'a str,
}

fn long_stem(raw: &str) -> Option<(Stem<'_>, bool)> {
    let time = |text: &str| SetTime::parse_name(text).ok();
    let stem = match raw.strip_prefix("duplicity-")?.split_once('.')? {
        ("full", rest) => full(rest, false, time),
        ("full-signatures", rest) => full(rest, true, time),
        ("inc", rest) => inc(rest, "to.", false, time),
        ("new-signatures", rest) => inc(rest, "to.", true, time),
        _ => None,
    };
    Some((stem?, false))
}

fn short_stem(raw: &str) -> Option<(Stem<'_>, bool)> {
    let time = |text: &str| SetTime::from_seconds(i64::try_from(base36(text)?).ok()?).ok();
    let stem = match raw.split_once('.')? {
        ("df", rest) => full(rest, false, time),
        ("dfs", rest) => full(rest, true, time),
        ("di", rest) => inc(rest, "", false, time),
        ("dns", rest) => inc(rest, "", true, time),
        _ => None,
    };
    Some((stem?, true))
}

type ReadTime = fn(&str) -> Option<SetTime>;

fn full(rest: &str, signatures: bool, read: ReadTime) -> Option<Stem<'_>> {
    let (time, rest) = rest.split_once('.')?;
    Some(Stem { set: SetId::full(read(time)?), signatures, rest })
}

fn inc<'a>(rest: &'a str, to: &str, signatures: bool, read: ReadTime) -> Option<Stem<'a>> {
    let (base, rest) = rest.split_once('.')?;
    let (time, rest) = rest.strip_prefix(to)?.split_once('.')?;
    Some(Stem { set: SetId::inc(read(base)?, read(time)?)?, signatures, rest })
}

fn long_kind(rest: &str) -> Option<(FileKind, &str)> {
    if let Some(rest) = rest.strip_prefix("manifest") {
        return Some((FileKind::Manifest, rest));
    }
    if let Some(rest) = rest.strip_prefix("jsonstat") {
        return Some((FileKind::Stats, rest));
    }
    let (number, rest) = rest.strip_prefix("vol")?.split_once('.')?;
    volume(decimal(number.as_bytes())?, rest.strip_prefix("difftar")?)
}

fn short_kind(rest: &str) -> Option<(FileKind, &str)> {
    let (number, after) = rest.split_once('.').unwrap_or((rest, ""));
    if let Some(rest) = after.strip_prefix("dt") {
        return volume(base36(number)?, rest);
    }
    Some((FileKind::Manifest, rest.strip_prefix('m')?))
}

fn volume(number: u64, rest: &str) -> Option<(FileKind, &str)> {
    (number > 0).then_some((FileKind::Volume(number), rest))
}

/// Whether the file is partial, and the tail: empty, or a dot and anything.
fn end<'a>(rest: &'a str, part: &str) -> Option<(bool, &'a str)> {
    let ends = |tail: &str| tail.is_empty() || tail.starts_with('.');
    if let Some(tail) = rest.strip_prefix(part).filter(|tail| ends(tail)) {
        return Some((true, tail));
    }
    ends(rest).then_some((false, rest))
}

/// The number in base 36 (digits, then lower-case letters), as in short names; none for anything else and for what does not fit.
fn base36(text: &str) -> Option<u64> {
    if !text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()) {
        return None;
    }
    u64::from_str_radix(text, 36).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_before_lower_case_letters() {
        assert_eq!(base36("z"), Some(35));
        assert_eq!(base36("10"), Some(36));
        assert_eq!(base36("tox7jk"), Some(1_795_379_312));
        for text in ["", "Z", "-1", "+1", " 1", "zzzzzzzzzzzzzz"] {
            assert_eq!(base36(text), None);
        }
    }
}
