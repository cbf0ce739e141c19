//! Bytes and times as JSON strings.
//!
//! A byte that is not part of valid UTF-8, and the backslash, are written as `\xHH`. So any path
//! survives, and ordinary ones stay readable.

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
pub(crate) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let hex = part.strip_prefix('x')?.get(..2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[3..]);
    }
    Some(bytes)
}

pub(crate) mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::escape(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        super::unescape(&text).ok_or_else(|| D::Error::custom("a lone backslash"))
    }
}

pub(crate) mod optional_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_some(&super::escape(bytes)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        super::unescape(&text).map(Some).ok_or_else(|| D::Error::custom("a lone backslash"))
    }
}

pub(crate) mod path {
    use archive::TreePath;
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(path: &TreePath, to: S) -> Result<S::Ok, S::Error> {
        super::bytes::serialize(path.as_bytes(), to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TreePath, D::Error> {
        TreePath::parse(&super::bytes::deserialize(from)?).map_err(D::Error::custom)
    }
}

pub(crate) mod optional_path {
    use archive::TreePath;
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        path: &Option<TreePath>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes = path.as_ref().map(|path| path.as_bytes().to_vec());
        super::optional_bytes::serialize(&bytes, to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<TreePath>, D::Error> {
        let bytes = super::optional_bytes::deserialize(from)?;
        bytes.map(|bytes| TreePath::parse(&bytes)).transpose().map_err(D::Error::custom)
    }
}

pub(crate) mod time {
    use archive::SetTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(time: &SetTime, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SetTime, D::Error> {
        let text = String::deserialize(from)?;
        SetTime::parse_name(&text).map_err(D::Error::custom)
    }
}

pub(crate) mod optional_time {
    use archive::SetTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<SetTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.collect_str(time),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SetTime>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        SetTime::parse_name(&text).map(Some).map_err(D::Error::custom)
    }
}

pub(crate) mod optional_identity {
    use archive::Identity;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        identity: &Option<Identity>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match identity {
            Some(identity) => to.collect_str(identity),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Identity>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(D::Error::custom)
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
