//! Bytes, paths, times and identities as text, and so in JSON.
//!
//! A byte that is not part of valid UTF-8, and the backslash, are written as `\xHH`. So any path
//! survives, and ordinary ones stay readable.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::{Identity, SetTime, TreePath};

/// The text of arbitrary bytes: a byte that is not part of valid UTF-8, and the backslash, are
/// written as `\xHH`.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\x5c"));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The bytes of a text, or `None` if a backslash does not begin `\xHH`.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let hex = part.strip_prefix('x')?.get(..2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[3..]);
    }
    Some(bytes)
}

impl Serialize for TreePath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&escape(self.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for TreePath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<TreePath, D::Error> {
        let bytes = unescape(&String::deserialize(from)?);
        let bytes = bytes.ok_or_else(|| D::Error::custom("a lone backslash"))?;
        TreePath::parse(&bytes).map_err(D::Error::custom)
    }
}

impl Serialize for SetTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SetTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<SetTime, D::Error> {
        SetTime::parse_name(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Identity, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_survive_as_text(bytes: Vec<u8>) {
            prop_assert_eq!(super::unescape(&super::escape(&bytes)), Some(bytes));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = super::unescape(&text);
        }
    }
}
