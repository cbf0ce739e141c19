//! How large the source was at the last backup, so that the next one knows how far it is.

use std::fs;
use std::io::Write;

use failure::{Failure, OrFail, Status, shown};

use crate::Folder;

/// The file. duplicity ignores it.
const NAME: &str = "source-size";

/// The size of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceSize {
    /// Its entries.
    pub entries: u64,
    /// Bytes in its regular files.
    pub bytes: u64,
}

impl SourceSize {
    /// The size at the last backup. Nothing depends on it: what can't be read is unknown.
    pub fn last(folder: &Folder) -> Option<SourceSize> {
        let text = fs::read_to_string(folder.path(NAME)).ok()?;
        let (entries, bytes) = text.trim_end().split_once(' ')?;
        Some(SourceSize { entries: entries.parse().ok()?, bytes: bytes.parse().ok()? })
    }

    /// Remembers it for the next backup.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn remember(self, folder: &Folder) -> Result<(), Failure> {
        let text = format!("{} {}\n", self.entries, self.bytes);
        let written = folder.unfinished(NAME, 0)?.write_all(text.as_bytes());
        written.or_fail(Status::Failed, shown(&folder.path(NAME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_as_it_was_remembered_and_anything_else_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let at = Folder::open(folder.path()).unwrap();
        assert_eq!(SourceSize::last(&at), None);
        let size = SourceSize { entries: 3, bytes: u64::MAX };
        size.remember(&at).unwrap();
        assert_eq!(SourceSize::last(&at), Some(size));
        fs::write(at.path(NAME), "3 -1").unwrap();
        assert_eq!(SourceSize::last(&at), None);
    }
}
