//! A finding about a store.

use archive::SetId;
use cli::shown;

/// A problem or a note.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Whether something that is needed is missing.
    pub(crate) lost: bool,
    /// Its kind, in a word.
    pub(crate) kind: &'static str,
    /// The set that it is about.
    pub(crate) set: Option<SetId>,
    /// What it is.
    pub(crate) what: String,
}

impl Finding {
    pub(crate) fn lost(kind: &'static str, set: SetId, what: impl Into<String>) -> Finding {
        Finding { lost: true, kind, set: Some(set), what: what.into() }
    }

    pub(crate) fn note(kind: &'static str, set: Option<SetId>, what: impl Into<String>) -> Finding {
        Finding { lost: false, kind, set, what: what.into() }
    }

    /// In a line.
    pub(crate) fn text(&self) -> String {
        match self.set {
            Some(set) => format!("{}: {}", shown::set(set), self.what),
            None => self.what.clone(),
        }
    }
}
