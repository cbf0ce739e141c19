//! The list of files at the end of a manifest. Only people read it.

use crate::TreePath;
use crate::range::quoted_path;

/// What became of a regular file since the set before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    New,
    /// Its content or its metadata differ.
    Changed,
    /// It is gone.
    Deleted,
}

/// The line above the list.
pub fn filelist_header(count: u64) -> Vec<u8> {
    format!("Filelist {count}\n").into_bytes()
}

/// A line of the list.
pub fn filelist_line(change: Change, path: &TreePath) -> Vec<u8> {
    let word: &[u8] = match change {
        Change::New => b"    new      ",
        Change::Changed => b"    changed  ",
        Change::Deleted => b"    deleted  ",
    };
    [word, &quoted_path(path), b"\n"].concat()
}
