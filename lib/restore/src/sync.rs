//! Having what was restored on the disk: its content before a name shows it, its name before the restore
//! ends.

use std::fmt::Display;
use std::os::fd::{AsFd, BorrowedFd};

use failure::{Failure, OrFail, Status};
use rustix::fs::{Mode, OFlags, fsync, openat, syncfs};
use rustix::io::{Errno, Result};

/// Writes an object of the directory `parent` to the disk; where that can't be opened, or is a directory
/// that may hold anything, all of the file system of `parent`.
pub(crate) fn object(
    (parent, name): (BorrowedFd<'_>, &[u8]),
    is_file: bool,
    which: impl Display,
) -> std::result::Result<(), Failure> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = if is_file { openat(parent, name, flags, Mode::empty()).ok() } else { None };
    match opened {
        Some(file) => told(fsync(&file), which),
        None => all(parent, which),
    }
}

/// Writes the names in the directory `folder`, which may be open as a path only, to the disk.
pub(crate) fn names(
    folder: impl AsFd,
    inside: BorrowedFd<'_>,
    which: impl Display,
) -> std::result::Result<(), Failure> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(&folder, ".", flags, Mode::empty()) {
        Ok(folder) => told(fsync(&folder), which),
        Err(_) => all(inside, which),
    }
}

/// Writes the whole file system of an open directory to the disk: one call, where thousands of files
/// would take one each.
pub(crate) fn all(inside: BorrowedFd<'_>, which: impl Display) -> std::result::Result<(), Failure> {
    told(syncfs(inside), which)
}

/// Some file systems know no such request.
fn told(synced: Result<()>, which: impl Display) -> std::result::Result<(), Failure> {
    match synced {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::ROFS) => Ok(()),
        synced => synced.or_fail(Status::Failed, format!("{which}: write to the disk")),
    }
}
