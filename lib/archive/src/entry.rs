//! Names of tar members in volumes, signature tars and the tree stream.

use crate::{Error, TreePath};

/// The most bytes of content in one member of a volume. After a body of this size another piece
/// follows, even an empty one.
pub const PIECE: usize = 65536;

/// What a tar member does with its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The complete object, which replaces an older one.
    Snapshot,
    /// A librsync delta against the state after the previous set.
    Diff,
    /// The librsync signature of the content.
    Signature,
    /// The path no longer exists.
    Deleted,
}

impl Part {
    fn word(self) -> &'static [u8] {
        match self {
            Part::Snapshot => b"snapshot",
            Part::Diff => b"diff",
            Part::Signature => b"signature",
            Part::Deleted => b"deleted",
        }
    }

    fn of_word(word: &[u8]) -> Option<(Part, bool)> {
        match word {
            b"snapshot" => Some((Part::Snapshot, false)),
            b"diff" => Some((Part::Diff, false)),
            b"signature" => Some((Part::Signature, false)),
            b"deleted" => Some((Part::Deleted, false)),
            b"multivol_snapshot" => Some((Part::Snapshot, true)),
            b"multivol_diff" => Some((Part::Diff, true)),
            _ => None,
        }
    }
}

/// The parsed name of a tar member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryName {
    /// What the member does with the path.
    pub part: Part,
    /// The path in the source tree.
    pub path: TreePath,
    /// The number of the piece, from 1, of a body in pieces. Readers join pieces as they come.
    pub piece: Option<u64>,
}

impl EntryName {
    /// Reads a member's name, such as `snapshot/a/b`, `snapshot/./` or `multivol_diff/a/b/17`.
    ///
    /// # Errors
    /// An unknown first component, a component `..`, a NUL byte, a piece without its number.
    pub fn parse(raw: &[u8]) -> Result<EntryName, Error> {
        let (word, rest) = split_first(raw);
        let Some((part, in_pieces)) = Part::of_word(word) else {
            return Err(Error::new(raw, "not a member of a backup"));
        };
        if !in_pieces {
            return Ok(EntryName { part, path: TreePath::parse(rest)?, piece: None });
        }
        let (above, number) = split_last(rest);
        let Some(piece) = decimal(number) else {
            return Err(Error::new(raw, "a piece without its number"));
        };
        Ok(EntryName { part, path: TreePath::parse(above)?, piece: Some(piece) })
    }

    /// The name as in a volume or a tree stream. That of a directory ends in `/`, and the root
    /// directory is `snapshot/./`.
    pub fn encode(&self, directory: bool) -> Vec<u8> {
        match self.pieces() {
            Some(piece) => self.encode_piece(piece),
            None if directory && self.part == Part::Snapshot && self.path.is_root() => {
                b"snapshot/./".to_vec()
            }
            None => self.encode_for_sigtar(directory),
        }
    }

    /// The name in a signature file, where the root directory is `snapshot/`. There are no pieces
    /// there.
    pub fn encode_for_sigtar(&self, directory: bool) -> Vec<u8> {
        let mut name = [self.part.word(), b"/", self.path.as_bytes()].concat();
        if directory && self.part == Part::Snapshot && !self.path.is_root() {
            name.push(b'/');
        }
        name
    }

    /// The piece's number, if the part can have pieces.
    fn pieces(&self) -> Option<u64> {
        self.piece.filter(|_| matches!(self.part, Part::Snapshot | Part::Diff))
    }

    fn encode_piece(&self, piece: u64) -> Vec<u8> {
        let path = if self.path.is_root() { b"." } else { self.path.as_bytes() };
        let number = piece.to_string();
        [b"multivol_", self.part.word(), b"/", path, b"/", number.as_bytes()].concat()
    }
}

fn split_first(raw: &[u8]) -> (&[u8], &[u8]) {
    match raw.iter().position(|&b| b == b'/') {
        Some(at) => (&raw[..at], &raw[at + 1..]),
        None => (raw, b""),
    }
}

/// The last component and the path above it, without a trailing `/`.
fn split_last(raw: &[u8]) -> (&[u8], &[u8]) {
    let raw = raw.strip_suffix(b"/").unwrap_or(raw);
    match raw.iter().rposition(|&b| b == b'/') {
        Some(at) => (&raw[..at], &raw[at + 1..]),
        None => (b"", raw),
    }
}

/// A number in plain decimal digits.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::tests::paths;
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = EntryName> {
        let part =
            prop::sample::select(vec![Part::Snapshot, Part::Diff, Part::Signature, Part::Deleted]);
        (part, paths(), any::<Option<u64>>()).prop_map(|(part, path, piece)| {
            let piece = piece.filter(|_| matches!(part, Part::Snapshot | Part::Diff));
            EntryName { part, path, piece }
        })
    }

    proptest! {
        #[test]
        fn a_name_comes_back_as_it_went(entry in entries(), directory: bool) {
            prop_assert_eq!(EntryName::parse(&entry.encode(directory)), Ok(entry.clone()));
            let whole = EntryName { piece: None, ..entry };
            prop_assert_eq!(EntryName::parse(&whole.encode_for_sigtar(directory)), Ok(whole));
        }

        #[test]
        fn no_name_makes_the_parser_fall_over(raw in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = EntryName::parse(&raw);
        }
    }

    fn name(part: Part, path: &str, piece: Option<u64>) -> EntryName {
        EntryName { part, path: TreePath::parse(path.as_bytes()).unwrap(), piece }
    }

    #[test]
    fn the_root_has_a_name_of_its_own() {
        let root = name(Part::Snapshot, "", None);
        assert_eq!(root.encode(true), b"snapshot/./");
        assert_eq!(root.encode(false), b"snapshot/");
        assert_eq!(root.encode_for_sigtar(true), b"snapshot/");
        assert_eq!(name(Part::Snapshot, "", Some(1)).encode(false), b"multivol_snapshot/./1");
        assert_eq!(name(Part::Signature, "", None).encode(false), b"signature/");
        for raw in [&b"snapshot"[..], b"snapshot/", b"snapshot/.", b"snapshot/./"] {
            assert_eq!(EntryName::parse(raw), Ok(root.clone()));
        }
    }

    #[test]
    fn directories_end_in_a_slash_and_deletions_never() {
        assert_eq!(name(Part::Snapshot, "a/b", None).encode(true), b"snapshot/a/b/");
        assert_eq!(name(Part::Deleted, "a/b", None).encode(true), b"deleted/a/b");
        assert_eq!(EntryName::parse(b"deleted/x/"), Ok(name(Part::Deleted, "x", None)));
    }

    #[test]
    fn a_file_named_like_a_number_is_no_piece() {
        assert_eq!(EntryName::parse(b"diff/7"), Ok(name(Part::Diff, "7", None)));
        let piece = name(Part::Diff, "7", Some(2));
        assert_eq!(EntryName::parse(b"multivol_diff/7/2"), Ok(piece));
    }

    #[test]
    fn foreign_names_are_refused() {
        for raw in [
            &b""[..],
            b"/snapshot/a",
            b"./snapshot/a",
            b"Snapshot/a",
            b"snapshot/../a",
            b"multivol_diff/a",
            b"multivol_diff/a/-1",
            b"multivol_diff",
            b"multivol_diff/",
            b"multivol_diff/../1",
            b"multivol_signature/a/1",
            b"snapshot/a\0",
            b"multivol_diff/a/99999999999999999999999",
        ] {
            assert!(EntryName::parse(raw).is_err(), "{raw:?}");
        }
    }
}
