//! Calls that a configuration stands for.

use std::ffi::OsString;

use options::Call;

use crate::values::{Line, Name};

/// A call for one source and one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The source.
    pub source: Name,
    /// The store.
    pub store: Name,
    /// The arguments of the command.
    pub words: Vec<OsString>,
}

/// Words of `options` keys, as a call of `moo backup`.
pub(crate) fn backup_options<'a>(words: impl Iterator<Item = &'a Line>) -> Call {
    let words: Vec<_> = words.map(|word| OsString::from(&**word)).collect();
    Call::read("backup", &words).unwrap_or_default()
}
