//! The part of the tree in a volume, from the manifest.

use crate::TreePath;
use crate::quote::quote;

/// The first or the last entry of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPosition {
    /// The entry's path.
    pub path: TreePath,
    /// The number of its piece, or `None` for a body in one member and for its last piece.
    pub piece: Option<u64>,
}

/// A volume's block in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRange {
    /// The volume's number, from 1.
    pub number: u64,
    /// Its first entry.
    pub start: EntryPosition,
    /// Its last entry.
    pub end: EntryPosition,
    /// Name and value of each hash of the file as stored: `SHA1` in lower-case hexadecimal, if
    /// duplicity wrote it; empty in a draft. Neither contains white space.
    pub hashes: Vec<(String, String)>,
}

impl VolumeRange {
    /// The block as duplicity writes it, blanks at the ends of lines included.
    pub fn encode(&self) -> Vec<u8> {
        let mut block = format!("Volume {}:\n", self.number).into_bytes();
        encode_place(b"    StartingPath   ", &self.start, &mut block);
        encode_place(b"    EndingPath     ", &self.end, &mut block);
        encode_hashes(&self.hashes, &mut block);
        block
    }

    /// Whether the volume may hold entries of `prefix` or below it.
    pub fn may_hold(&self, prefix: &TreePath) -> bool {
        let start = &self.start.path;
        (start <= prefix || start.starts_with(prefix)) && *prefix <= self.end.path
    }
}

/// The value of the first hash of that name, in any case, among those of a volume's block.
pub fn hash_named<'a>(hashes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = hashes.iter().find(|hash| hash.0.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The `Hash` lines of a block.
pub(crate) fn encode_hashes(hashes: &[(String, String)], out: &mut Vec<u8>) {
    for (name, value) in hashes {
        out.extend_from_slice(format!("    Hash {name} {value}\n").as_bytes());
    }
}

fn encode_place(field: &[u8], place: &EntryPosition, out: &mut Vec<u8>) {
    out.extend_from_slice(field);
    out.extend_from_slice(&quoted_path(&place.path));
    out.push(b' ');
    match place.piece {
        Some(piece) => out.extend_from_slice(piece.to_string().as_bytes()),
        None => out.push(b' '),
    }
    out.push(b'\n');
}

/// The path as a manifest names it; the root is `.`.
pub(crate) fn quoted_path(path: &TreePath) -> std::borrow::Cow<'_, [u8]> {
    if path.is_root() {
        return b".".as_slice().into();
    }
    quote(path.as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::path::tests::paths;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn places() -> impl Strategy<Value = EntryPosition> {
        (paths(), any::<Option<u64>>()).prop_map(|(path, piece)| EntryPosition { path, piece })
    }

    /// A volume of any range, with the number 1.
    pub(crate) fn ranges() -> impl Strategy<Value = VolumeRange> {
        let hashes = vec(("[A-Z0-9]{1,8}", "[0-9a-f]{1,40}"), 0..3);
        (places(), places(), hashes).prop_map(|(start, end, hashes)| VolumeRange {
            number: 1,
            start,
            end,
            hashes,
        })
    }

    proptest! {
        #[test]
        fn a_volume_is_asked_for_what_may_lie_in_it(range in ranges(), prefix in paths(), inside in paths()) {
            let cut = |path: &TreePath| -> Vec<Vec<u8>> {
                path.components().take(prefix.components().count()).map(<[u8]>::to_vec).collect()
            };
            let may = cut(&range.start.path) <= cut(&prefix) && prefix <= range.end.path;
            prop_assert_eq!(range.may_hold(&prefix), may);
            if inside.starts_with(&prefix) && range.start.path <= inside && inside <= range.end.path {
                prop_assert!(may);
            }
        }
    }
}
