//! What is wrong with a name, a time or a text.

use std::fmt::Display;

use failure::legible;

/// The longest excerpt of foreign text in a message, in characters.
const EXCERPT: usize = 200;

/// A name, a time or a text that does not keep to the format: `which: why`, on one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{which}: {why}")]
pub struct Error {
    which: String,
    why: String,
}

impl Error {
    /// An error about `which`, which may be hostile: it is cut short and cleaned of controls.
    pub(crate) fn new(which: impl AsRef<[u8]>, why: impl Display) -> Error {
        Error { which: printable(which.as_ref()), why: why.to_string() }
    }
}

/// The start of a foreign text in a form that a terminal shows on one line.
pub(crate) fn printable(raw: &[u8]) -> String {
    legible::name(&raw[..raw.len().min(4 * EXCERPT)]).chars().take(EXCERPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_one_line_and_short() {
        let error = Error::new(b"a\n\x1b[2J".repeat(1000), "bad");
        let text = error.to_string();
        assert!(text.starts_with("a\\x0a\\x1b[2J"));
        assert!(text.ends_with(": bad"));
        assert!(!text.contains('\n') && text.len() < 10 * EXCERPT);
    }
}
