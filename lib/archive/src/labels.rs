//! What a person says of a set: tags and a note. They are in its seal, which everybody can read who can
//! read the store.

use serde::{Deserialize, Serialize};

use crate::{Error, escape, unescape};

/// Tags of a set at most, and the longest one and the longest note in bytes.
const MOST_TAGS: usize = 32;
const LONGEST_TAG: usize = 128;
const LONGEST_NOTE: usize = 4096;

/// The tags and the note of a set. Each is a line: a control character, a backslash, a byte that is not UTF-8
/// and a blank at either end are escaped as `\xHH`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Texts")]
pub struct Labels {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The same, before it is checked.
#[derive(Deserialize)]
struct Texts {
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    note: Option<String>,
}

impl Labels {
    /// The labels with these bytes. A tag that comes twice counts once.
    ///
    /// # Errors
    /// One is empty or too long, or there are too many tags.
    pub fn new<B: AsRef<[u8]>>(tags: &[B], note: Option<&[u8]>) -> Result<Labels, Error> {
        let mut labels = Labels::default();
        for tag in tags {
            let text = line(tag.as_ref());
            if labels.tags.contains(&text) {
                continue;
            }
            if labels.add_tag(&text).is_none() {
                let why = format!("a set has at most {MOST_TAGS} tags of 1 to {LONGEST_TAG} bytes");
                return Err(Error::new(text, why));
            }
        }
        if let Some(note) = note
            && labels.add_note(&line(note)).is_none()
        {
            let why = format!("a note has 1 to {LONGEST_NOTE} bytes");
            return Err(Error::new("the note", why));
        }
        Ok(labels)
    }

    /// Adds a tag as it is written; none if it is malformed, is there already, or is one too many.
    pub(crate) fn add_tag(&mut self, text: &str) -> Option<()> {
        let fits = self.tags.len() < MOST_TAGS && !self.tags.iter().any(|tag| tag == text);
        (fits && is_line(text, LONGEST_TAG)).then(|| self.tags.push(text.to_owned()))
    }

    /// Adds the note as it is written; none if it is malformed, or there is one.
    pub(crate) fn add_note(&mut self, text: &str) -> Option<()> {
        let fits = self.note.is_none() && is_line(text, LONGEST_NOTE);
        fits.then(|| self.note = Some(text.to_owned()))
    }

    /// The tags in their order, as they are written.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The note as it is written.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Labels::default()
    }

    /// Whether a tag is among them.
    pub fn has_tag(&self, tag: &[u8]) -> bool {
        self.tags.contains(&line(tag))
    }
}

impl TryFrom<Texts> for Labels {
    type Error = Error;

    fn try_from(texts: Texts) -> Result<Labels, Error> {
        let mut labels = Labels::default();
        let tags = texts.tags.iter().try_for_each(|tag| labels.add_tag(tag));
        let note = texts.note.map_or(Some(()), |note| labels.add_note(&note));
        tags.and(note).ok_or_else(|| Error::new("labels", "malformed"))?;
        Ok(labels)
    }
}

/// The line for bytes.
fn line(bytes: &[u8]) -> String {
    let text = escape(bytes);
    let last = text.chars().count().saturating_sub(1);
    let mut line = String::with_capacity(text.len());
    for (place, letter) in text.chars().enumerate() {
        let ends = place == 0 || place == last;
        let breaks = letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
        if !(breaks || ends && letter.is_whitespace()) {
            line.push(letter);
            continue;
        }
        let mut buffer = [0; 4];
        for byte in letter.encode_utf8(&mut buffer).bytes() {
            line.push_str(&format!("\\x{byte:02x}"));
        }
    }
    line
}

/// Whether a text is the line for bytes, of which there are some, but not too many.
fn is_line(text: &str, longest: usize) -> bool {
    unescape(text).is_some_and(|bytes| (1..=longest).contains(&bytes.len()) && line(&bytes) == text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    pub(crate) fn labels() -> impl Strategy<Value = Labels> {
        let bytes =
            || prop_oneof![vec(any::<u8>(), 1..20), "\\PC{1,20}".prop_map(String::into_bytes)];
        (vec(bytes(), 0..4), option::of(bytes()))
            .prop_map(|(tags, note)| Labels::new(&tags, note.as_deref()).unwrap_or_default())
    }

    proptest! {
        #[test]
        fn labels_have_one_form_without_breaks_and_outer_blanks(bytes in vec(any::<u8>(), 1..40)) {
            let labels = Labels::new(&[&bytes], Some(&bytes)).unwrap();
            let text = labels.note().unwrap();
            prop_assert_eq!(unescape(text), Some(bytes.clone()));
            prop_assert_eq!(text, &labels.tags()[0]);
            prop_assert!(labels.has_tag(&bytes) && text.trim() == text);
            prop_assert!(!text.contains(char::is_control));
            let longer = [text, " "].concat();
            prop_assert!(is_line(text, 40) && !is_line(&longer, 60));
        }
    }

    #[test]
    fn labels_are_bounded() {
        let fits = |tags: &[Vec<u8>], note: &[u8]| Labels::new(tags, Some(note)).is_ok();
        assert!(fits(&[vec![b'a'; LONGEST_TAG]], &vec![b'\n'; LONGEST_NOTE]));
        assert!(!fits(&[vec![b'a'; LONGEST_TAG + 1]], b"x"));
        assert!(!fits(&[vec![]], b"x") && !fits(&[], b""));
        assert!(!fits(&[], &vec![b'a'; LONGEST_NOTE + 1]));
        let many = |count: u8| (0..count).map(|byte| vec![byte]).collect::<Vec<_>>();
        assert!(fits(&many(32), b"x") && !fits(&many(33), b"x"));
        assert!(fits(&[b"a".to_vec(), b"a".to_vec()], b"x"));
        for other in ["a ", " a", "\\x41", "\\", "\\xZZ", "\\x+f", "a\tb", ""] {
            assert!(!is_line(other, 9), "{other}");
        }
    }
}
