//! The lines of a manifest: reading them, whatever their length, and what each says.

use std::borrow::Cow;
use std::io::{BufRead, Read, Result as IoResult};

use crate::entry::decimal;
use crate::quote::{is_blank, unquote};
use crate::{EntryPosition, Error, TreePath};

/// The longest line of a manifest that is read, in bytes. A path that fits a set is far shorter.
pub const LONGEST_LINE: usize = 1 << 20;

/// Reads the next line into `line`, which is emptied before. Returns false at the end.
///
/// Of a longer line than a manifest may have, one byte more than that is kept, and the rest is
/// skipped: parsers refuse the line, or skip it if it lists a file.
///
/// # Errors
/// Those of the reader.
pub fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> IoResult<bool> {
    line.clear();
    from.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', line)?;
    if line.len() > LONGEST_LINE && !line.ends_with(b"\n") {
        from.skip_until(b'\n')?;
    }
    Ok(!line.is_empty())
}

/// The highest number of a volume.
const HIGHEST: u64 = 10_000_000;

/// The content of a line of a manifest.
#[derive(Debug)]
pub(crate) enum Record<'a> {
    Hostname(Cow<'a, [u8]>),
    Localdir(Cow<'a, [u8]>),
    Volume(u64),
    Start(EntryPosition),
    End(EntryPosition),
    Hash(String, String),
    Filelist,
    /// A line of the list of files, or an unknown line.
    Other,
}

/// Reads a manifest's lines one after another.
#[derive(Debug, Default)]
pub(crate) struct Records {
    count: u64,
    in_filelist: bool,
}

impl Records {
    /// Parses the next line, with or without its line end.
    pub(crate) fn next<'a>(&mut self, line: &'a [u8]) -> Result<Record<'a>, Error> {
        self.count += 1;
        let record = self.classify(line).map_err(|why| self.error(why))?;
        self.in_filelist |= matches!(record, Record::Filelist);
        Ok(record)
    }

    /// An error about the line read last.
    pub(crate) fn error(&self, why: impl std::fmt::Display) -> Error {
        Error::new(format!("manifest line {}", self.count), why)
    }

    fn classify<'a>(&mut self, line: &'a [u8]) -> Result<Record<'a>, String> {
        let indented = is_indented(line);
        if self.in_filelist && indented {
            return Ok(Record::Other);
        }
        if line.len() > LONGEST_LINE {
            return Err("too long".into());
        }
        self.in_filelist = false;
        let (word, rest) = split_word(trim(line));
        let is = |field: &str| word.eq_ignore_ascii_case(field.as_bytes());
        match () {
            () if is("StartingPath") => Ok(Record::Start(place(rest)?)),
            () if is("EndingPath") => Ok(Record::End(place(rest)?)),
            () if is("Hash") => hash(rest),
            () if indented => Ok(Record::Other),
            () if is("Hostname") => Ok(Record::Hostname(text(rest)?)),
            () if is("Localdir") => Ok(Record::Localdir(text(rest)?)),
            () if is("Volume") => Ok(Record::Volume(number(rest)?)),
            () if is("Filelist") => Ok(Record::Filelist),
            () => Ok(Record::Other),
        }
    }
}

/// Whether a line belongs to the record above it.
pub(crate) fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t')) && !trim(line).is_empty()
}

fn trim(line: &[u8]) -> &[u8] {
    let Some(start) = line.iter().position(|&b| !is_blank(b)) else {
        return b"";
    };
    let end = line.iter().rposition(|&b| !is_blank(b)).map_or(start, |last| last + 1);
    &line[start..end]
}

/// The first word, and the rest.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|&b| is_blank(b)) {
        Some(at) => (&text[..at], trim(&text[at..])),
        None => (text, b""),
    }
}

fn text(rest: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    unquote(rest).map_err(|e| e.to_string())
}

fn number(rest: &[u8]) -> Result<u64, String> {
    let digits = rest.strip_suffix(b":").unwrap_or(rest);
    decimal(digits)
        .filter(|number| (1..=HIGHEST).contains(number))
        .ok_or_else(|| "not the number of a volume".into())
}

fn place(rest: &[u8]) -> Result<EntryPosition, String> {
    let (path, piece) = split_word(rest);
    if path.is_empty() {
        return Err("no path".into());
    }
    let path = TreePath::parse(&text(path)?).map_err(|e| e.to_string())?;
    if piece.is_empty() {
        return Ok(EntryPosition { path, piece: None });
    }
    let piece = decimal(piece).ok_or("not the number of a piece")?;
    Ok(EntryPosition { path, piece: Some(piece) })
}

fn hash(rest: &[u8]) -> Result<Record<'static>, String> {
    let (name, value) = split_word(rest);
    let word = |text: &[u8]| {
        let fits = !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
        let owned = || String::from_utf8_lossy(text).into_owned();
        fits.then(owned).ok_or_else(|| String::from("not a hash"))
    };
    Ok(Record::Hash(word(name)?, word(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_bounds_is_cut_and_the_next_one_is_whole() {
        let text = [b"a\n".to_vec(), vec![b'x'; 3 * LONGEST_LINE], b"\nb".to_vec()].concat();
        let (mut from, mut line, mut found) = (text.as_slice(), Vec::new(), Vec::new());
        while read_line(&mut from, &mut line).unwrap() {
            found.push(line.clone());
        }
        let lengths: Vec<_> = found.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, LONGEST_LINE + 1, 1]);
        assert_eq!((&found[0][..], &found[2][..]), (&b"a\n"[..], &b"b"[..]));
    }
}
