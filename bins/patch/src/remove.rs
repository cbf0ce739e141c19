//! Deleting an object with all that is in it, through open directories only: another user who
//! moves things about meanwhile can't lead it elsewhere.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, unlinkat};
use rustix::io::{Errno, Result};

use crate::entered::Entered;
use crate::look;

/// Directories are nested less deeply than this, so that the stack suffices.
pub(crate) const DEEPEST: usize = 4200;

/// Deletes whatever has that name, with all that is in it. That nothing has is no error. A
/// mounted file system is not entered.
pub(crate) fn remove(parent: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    remove_below(parent, name, 0)
}

fn remove_below(parent: BorrowedFd<'_>, name: &[u8], depth: usize) -> Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => remove_directory(parent, name, depth),
        done => done,
    }
}

fn remove_directory(parent: BorrowedFd<'_>, name: &[u8], depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(Errno::NAMETOOLONG);
    }
    let directory = match Entered::open(parent, name) {
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(Errno::PERM),
        directory => directory?,
    };
    if look::open(&directory)?.mount {
        return Err(Errno::BUSY);
    }
    empty(&directory, depth)?;
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

fn empty(directory: &Entered, depth: usize) -> Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            remove_below(directory.as_fd(), name, depth + 1)?;
        }
    }
    Ok(())
}
