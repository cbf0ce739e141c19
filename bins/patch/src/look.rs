//! What there is to know of an object before it is replaced or deleted: its type, whether a file
//! system is mounted on it, and whether it is immutable.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, statx};
use rustix::io::{Errno, Result};

/// An inode of this machine: device and number.
pub(crate) type Id = (u32, u32, u64);

/// The facts about an object. A symbolic link is not followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) kind: FileType,
    pub(crate) id: Id,
    pub(crate) owner: u32,
    /// Whether it is the root of a mounted file system, a bind mount included.
    pub(crate) mount: bool,
    /// Why it can't be replaced, deleted or changed: an attribute of chattr(1).
    pub(crate) locked: Option<&'static str>,
}

impl Look {
    pub(crate) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }
}

/// Looks at what has that name in a directory; `None` if nothing has.
pub(crate) fn at(parent: impl AsFd, name: &[u8]) -> Result<Option<Look>> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match statx(&parent, name, flags, StatxFlags::BASIC_STATS) {
        Err(Errno::NOENT) => Ok(None),
        found => look(&found?, || call(parent.as_fd(), b".")).map(Some),
    }
}

/// Looks at an open object.
pub(crate) fn open(object: impl AsFd) -> Result<Look> {
    let found = statx(&object, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    look(&found, || call(object.as_fd(), b".."))
}

fn call(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Statx> {
    statx(parent, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)
}

/// A kernel before 5.8 does not say what is a mount point: there another device than that of the
/// directory `above` shows it.
fn look(found: &Statx, above: impl FnOnce() -> Result<Statx>) -> Result<Look> {
    let has = |attribute| found.stx_attributes.contains(attribute);
    let device = |found: &Statx| (found.stx_dev_major, found.stx_dev_minor);
    let mount = if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
        has(StatxAttributes::MOUNT_ROOT)
    } else {
        above().is_ok_and(|above| device(&above) != device(found))
    };
    let locked = match () {
        () if has(StatxAttributes::IMMUTABLE) => {
            Some("is immutable (chattr -i allows to change it)")
        }
        () if has(StatxAttributes::APPEND) => {
            Some("is append-only (chattr -a allows to change it)")
        }
        () => None,
    };
    Ok(Look {
        kind: FileType::from_raw_mode(found.stx_mode.into()),
        id: (found.stx_dev_major, found.stx_dev_minor, found.stx_ino),
        owner: found.stx_uid,
        mount,
        locked,
    })
}
