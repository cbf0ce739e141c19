//! Directories in which two names can be one object (exFAT, FAT, NTFS for Windows, ext4 with casefold),
//! or in which an object gets another name than the one that was asked for (NTFS without regard to case,
//! FAT for a dot at the end).

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, statat, unlinkat};
use rustix::io::{Errno, Result};

use crate::cursor::names;

/// The directory in the staging folder in which names are tried.
pub(crate) const TRIED: &[u8] = b"tried";
const PLAIN: &[u8] = b"moo-fold-a";
const CAPITALS: &[u8] = b"MOO-FOLD-A";
const COMPOSED: &[u8] = "moo-fold-\u{e9}".as_bytes();
const DECOMPOSED: &[u8] = "moo-fold-e\u{301}".as_bytes();
/// Names to make, and others that may lead to the same object.
const TWINS: [(&[u8], &[u8]); 6] = [
    (PLAIN, CAPITALS),
    (CAPITALS, PLAIN),
    (COMPOSED, DECOMPOSED),
    (DECOMPOSED, COMPOSED),
    (b"moo-fold-a.", PLAIN),
    (b"moo-fold-a ", PLAIN),
];

/// What a file system makes of names.
pub(crate) struct Folding {
    /// Whether two names can be one object.
    pub(crate) folds: bool,
    /// Where names are tried, if an object may get another one than that which was asked for.
    tried: Option<OwnedFd>,
}

impl Folding {
    /// That of the file system of the staging folder. Directories below it inherit it.
    pub(crate) fn of(staging: BorrowedFd<'_>) -> Result<Folding> {
        let tried = directory(staging)?;
        let mut folding = Folding { folds: false, tried: None };
        let mut alters = false;
        for (name, other) in TWINS {
            // A name that is not allowed is named when an entry has it.
            let _ = make(&tried, name);
            folding.folds |= exists(tried.as_fd(), other);
            alters |= is_altered(&tried, name)?;
            clear(&tried, name)?;
        }
        if alters {
            folding.folds = true;
            folding.tried = Some(tried);
        } else {
            unlinkat(staging, TRIED, AtFlags::REMOVEDIR)?;
        }
        Ok(folding)
    }

    /// Whether an object of that name would get another one.
    pub(crate) fn alters(&self, name: &[u8]) -> Result<bool> {
        let Some(tried) = &self.tried else { return Ok(false) };
        if make(tried, name).is_err() {
            return Ok(false);
        }
        let altered = is_altered(tried, name);
        clear(tried, name)?;
        altered
    }
}

fn directory(staging: BorrowedFd<'_>) -> Result<OwnedFd> {
    mkdirat(staging, TRIED, Mode::RWXU)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(staging, TRIED, flags, Mode::empty())
}

fn make(tried: &OwnedFd, name: &[u8]) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(tried, name, flags, Mode::RUSR | Mode::WUSR).map(drop)
}

/// Whether the one object there has another name than that by which it was made. What a listing shows
/// that comes out of a cache is gone already.
fn is_altered(tried: &OwnedFd, name: &[u8]) -> Result<bool> {
    let found = names(tried)?;
    let is_listed = found.iter().any(|found| found == name);
    Ok(!is_listed && found.iter().any(|found| exists(tried.as_fd(), found)))
}

fn clear(tried: &OwnedFd, name: &[u8]) -> Result<()> {
    match unlinkat(tried, name, AtFlags::empty()) {
        Err(Errno::NOENT | Errno::INVAL | Errno::ILSEQ | Errno::NAMETOOLONG) => Ok(()),
        removed => removed,
    }
}

fn exists(directory: BorrowedFd<'_>, name: &[u8]) -> bool {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// The names in a directory that folds them, as they are spelled there.
#[derive(Debug, Default)]
pub(crate) struct Spelled(Option<HashSet<Vec<u8>>>);

impl Spelled {
    /// Whether a name leads to an object that has another one.
    pub(crate) fn is_taken(&mut self, directory: &OwnedFd, name: &[u8]) -> Result<bool> {
        if !exists(directory.as_fd(), name) {
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
