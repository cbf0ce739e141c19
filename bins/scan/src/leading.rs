//! Where symbolic links lead, if they are followed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

/// A directory or file, as the system tells it from all others: device and inode.
pub(crate) type Id = (u64, u64);

pub(crate) fn id(stat: &Stat) -> Id {
    (stat.st_dev, stat.st_ino)
}

/// The directories that a source is in, up to the root.
pub(crate) fn above(from: &OwnedFd, source: &[u8]) -> Vec<Id> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |at: BorrowedFd<'_>, name: &[u8]| openat(at, name, flags, Mode::empty()).ok();
    let mut ids = Vec::new();
    let mut next = open(from.as_fd(), source);
    while let Some(directory) = next {
        let Ok(stat) = fstat(&directory) else { break };
        // Above the root is the root.
        if ids.last() == Some(&id(&stat)) {
            break;
        }
        ids.push(id(&stat));
        next = open(directory.as_fd(), b"..");
    }
    ids
}

/// What a symbolic link leads to.
pub(crate) enum Leading {
    /// An object, which is stored in its place.
    To(Stat),
    /// Nothing, for this reason: the link itself is stored.
    Nowhere(&'static str),
}

/// What the entry of that name in a directory leads to, which is a link. One to a directory that it is in is
/// not followed: there would be no end.
///
/// # Errors
/// What it leads to cannot be examined.
pub(crate) fn leading(
    at: BorrowedFd<'_>,
    name: &[u8],
    mut above: impl Iterator<Item = Id>,
) -> io::Result<Leading> {
    let stat = match statat(at, name, AtFlags::empty()) {
        Ok(stat) => stat,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Leading::Nowhere("leads nowhere")),
        Err(Errno::LOOP) => return Ok(Leading::Nowhere("leads to itself")),
        Err(error) => return Err(error.into()),
    };
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    if is_directory && above.any(|directory| directory == id(&stat)) {
        return Ok(Leading::Nowhere("leads to a directory that it is in"));
    }
    Ok(Leading::To(stat))
}
