//! Directories in which two names can be one object: exFAT, FAT, NTFS, and ext4 with casefold.

use std::collections::HashSet;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, openat, statat, unlinkat};

use crate::cursor::names;

/// Names that are two to moobacker, and one where case or the composition of letters is folded.
const TWINS: [(&[u8], &[u8]); 2] = [
    (b"moo-fold-a", b"MOO-FOLD-A"),
    ("moo-fold-\u{e9}".as_bytes(), "moo-fold-e\u{301}".as_bytes()),
];

/// Whether names are folded in a directory, which has to be empty. Those below it inherit that.
pub(crate) fn folds(directory: BorrowedFd<'_>) -> bool {
    TWINS.iter().any(|(made, other)| {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let Ok(file) = openat(directory, *made, flags, Mode::RUSR | Mode::WUSR) else {
            return false;
        };
        drop(file);
        let same = exists(directory, other);
        let _ = unlinkat(directory, *made, AtFlags::empty());
        same
    })
}

fn exists(directory: BorrowedFd<'_>, name: &[u8]) -> bool {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// The names in a directory that folds them, as they are spelled there.
#[derive(Debug, Default)]
pub(crate) struct Spelled(Option<HashSet<Vec<u8>>>);

impl Spelled {
    /// Whether a name leads to an object that has another one.
    pub(crate) fn is_taken(
        &mut self,
        directory: &OwnedFd,
        name: &[u8],
    ) -> rustix::io::Result<bool> {
        if !exists(std::os::fd::AsFd::as_fd(directory), name) {
            return Ok(false);
        }
        if self.0.is_none() {
            self.0 = Some(names(directory)?.into_iter().collect());
        }
        Ok(self.0.as_ref().is_some_and(|names| !names.contains(name)))
    }

    /// A name is given to an object.
    pub(crate) fn made(&mut self, name: &[u8]) {
        if let Some(names) = &mut self.0 {
            names.insert(name.to_vec());
        }
    }

    /// A name is no object's any more.
    pub(crate) fn gone(&mut self, name: &[u8]) {
        if let Some(names) = &mut self.0 {
            names.remove(name);
        }
    }
}
