//! Bytes as JSON strings, see [`archive::escape`].

pub(crate) mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&archive::escape(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        archive::unescape(&text).ok_or_else(|| D::Error::custom("a lone backslash"))
    }
}

pub(crate) mod optional_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_some(&archive::escape(bytes)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        archive::unescape(&text).map(Some).ok_or_else(|| D::Error::custom("a lone backslash"))
    }
}

pub(crate) mod byte_lists {
    use serde::ser::SerializeSeq;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(list: &[Vec<u8>], to: S) -> Result<S::Ok, S::Error> {
        let mut texts = to.serialize_seq(Some(list.len()))?;
        list.iter().try_for_each(|bytes| texts.serialize_element(&archive::escape(bytes)))?;
        texts.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let bytes = texts.iter().map(|text| archive::unescape(text));
        bytes.map(|bytes| bytes.ok_or_else(|| D::Error::custom("a lone backslash"))).collect()
    }
}
