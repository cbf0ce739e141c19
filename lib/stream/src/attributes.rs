//! Extended attributes as a tar member has them: names and values, both of any bytes.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;

/// The extended attributes of an object, see xattr(7), sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    all: BTreeMap<Vec<u8>, Vec<u8>>,
    size: usize,
}

impl Attributes {
    /// The most bytes of all names and values of an object together. They have to fit into an
    /// extended header, and into memory.
    pub const MOST: usize = 512 << 10;

    /// Sets an attribute. Returns false if the object would have too many bytes of attributes.
    pub fn insert(&mut self, name: &[u8], value: Vec<u8>) -> bool {
        self.remove(name);
        let size = self.size + name.len() + value.len();
        if size > Attributes::MOST {
            return false;
        }
        self.size = size;
        self.all.insert(name.to_vec(), value);
        true
    }

    /// The value of an attribute.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.all.get(name).map(Vec::as_slice)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let all: Iter<'_, Vec<u8>, Vec<u8>> = self.all.iter();
        all.map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Whether there is no attribute.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Removes an attribute. Returns whether it existed.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let Some(value) = self.all.remove(name) else {
            return false;
        };
        self.size -= name.len() + value.len();
        true
    }
}

/// The name as part of the keyword of a pax record, encoded as by GNU tar, because `=` ends a
/// keyword.
pub(crate) fn keyword(name: &[u8]) -> Vec<u8> {
    let mut keyword = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'=' => keyword.extend(b"%3D"),
            b'%' => keyword.extend(b"%25"),
            byte => keyword.push(*byte),
        }
    }
    keyword
}

/// The name in the keyword of a pax record.
pub(crate) fn name(keyword: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(keyword.len());
    let mut rest = keyword;
    while let Some((first, behind)) = rest.split_first() {
        let (byte, behind) = match rest.first_chunk::<3>() {
            Some(b"%3D") => (b'=', &rest[3..]),
            Some(b"%25") => (b'%', &rest[3..]),
            _ => (*first, behind),
        };
        name.push(byte);
        rest = behind;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_comes_back_from_its_keyword(any_name: Vec<u8>) {
            let keyword = keyword(&any_name);
            prop_assert!(!keyword.contains(&b'='));
            prop_assert_eq!(name(&keyword), any_name);
        }

        #[test]
        fn names_look_alike_to_gnu_tar(text in "[a=%3D25]{0,12}") {
            prop_assert_eq!(name(&keyword(text.as_bytes())), text.as_bytes());
        }
    }

    #[test]
    fn there_is_a_bound() {
        let mut attributes = Attributes::default();
        assert!(attributes.insert(b"user.a", vec![0; Attributes::MOST - 6]));
        assert!(!attributes.insert(b"user.b", Vec::new()));
        assert_eq!(attributes.iter().count(), 1);
        assert!(attributes.insert(b"user.a", Vec::new()) && attributes.insert(b"user.b", vec![1]));
    }
}
