//! Files that list patterns or paths.

use std::path::Path;

use failure::{Failure, OrFail, Status, shown};

use crate::Sign;

/// A pattern of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Which line it is, from 1.
    pub number: usize,
    /// What it says of what it matches.
    pub sign: Sign,
    /// Its text.
    pub pattern: &'a [u8],
}

/// Reads a list.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).or_fail(Status::Usage, shown(&path))
}

/// The lines of a list, with or without what ends the last one.
pub fn lines(text: &[u8], null: bool) -> impl Iterator<Item = &[u8]> {
    let end = if null { 0 } else { b'\n' };
    text.split(move |byte| *byte == end)
}

/// The patterns of a list: without white space around them, empty lines, and comments. A quote at
/// both ends is taken off, so that a name may begin or end with a space.
pub fn patterns(text: &[u8], sign: Sign, null: bool) -> impl Iterator<Item = Line<'_>> {
    let numbered = lines(text, null).map(trimmed).zip(1..);
    let written = numbered.filter(|(line, _)| !line.is_empty() && !line.starts_with(b"#"));
    written.map(move |(line, number)| {
        let (sign, pattern) = match line.split_at_checked(2) {
            Some((b"+ ", rest)) => (Sign::Include, rest),
            Some((b"- ", rest)) => (Sign::Exclude, rest),
            _ => (sign, line),
        };
        Line { number, sign, pattern: unquoted(pattern) }
    })
}

fn trimmed(line: &[u8]) -> &[u8] {
    let is_white = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = line.iter().position(|byte| !is_white(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_white(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

fn unquoted(pattern: &[u8]) -> &[u8] {
    match pattern {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, null: bool) -> Vec<(usize, Sign, String)> {
        let lines = patterns(text.as_bytes(), Sign::Exclude, null);
        let text = |pattern: &[u8]| String::from_utf8_lossy(pattern).into_owned();
        lines.map(|line| (line.number, line.sign, text(line.pattern))).collect()
    }

    #[test]
    fn lists_are_read_as_duplicity_reads_them() {
        let text = "a\n\n # no\n  b c \r\n+ d\n - \"e f \"\n'g'\n+h\n\"- i\"\n+ #j\n\"k\n";
        let wanted = [
            (1, Sign::Exclude, "a"),
            (4, Sign::Exclude, "b c"),
            (5, Sign::Include, "d"),
            (6, Sign::Exclude, "e f "),
            (7, Sign::Exclude, "g"),
            (8, Sign::Exclude, "+h"),
            (9, Sign::Exclude, "- i"),
            (10, Sign::Include, "#j"),
            (11, Sign::Exclude, "\"k"),
        ];
        assert_eq!(read(text, false), wanted.map(|(n, sign, text)| (n, sign, text.to_owned())));
        assert_eq!(read(&text.replace('\n', "\0"), true), read(text, false));
        assert_eq!(read("a\nb\0c", true)[0].2, "a\nb");
        assert_eq!(read("", false), []);
    }
}
