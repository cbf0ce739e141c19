//! Hard links: the first name of a file, in place of which a further name may be another link.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use attributes::{Object, read};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, linkat, openat, renameat, statat};
use rustix::io::Result;
use stream::member::SIZE;
use stream::{Member, Timestamp};

use crate::objects::remove;
use crate::staging::LINKED;

/// A file of the new tree that has another name, as an entry says.
pub(crate) struct HardLinkTarget {
    staging: OwnedFd,
    parent: OwnedFd,
    name: Vec<u8>,
    file: File,
}

impl HardLinkTarget {
    /// Opens a regular file which may be the same as an entry, by its size and time.
    pub(crate) fn open(
        staging: OwnedFd,
        (parent, name): (OwnedFd, &[u8]),
        member: &Member,
    ) -> Option<HardLinkTarget> {
        let stat = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let size = member.annotations.parse(SIZE).is_none_or(|size: i64| size == stat.st_size);
        // File systems round times; what they made of both is compared later.
        let time = stat.st_mtime.abs_diff(member.mtime.secs) <= 2;
        if !is_file(&stat) || !size || !time {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&parent, name, flags, Mode::empty()).ok()?;
        Some(HardLinkTarget { staging, parent, name: name.to_vec(), file: file.into() })
    }

    /// The file, in a handle of its own.
    pub(crate) fn file(&self) -> Option<File> {
        self.file.try_clone().ok()
    }

    /// Whether it has the metadata of a file that has been made for the further name.
    pub(crate) fn looks_like(&self, made: &File) -> bool {
        let looks = |file: &File| {
            let stat = fstat(file).ok()?;
            let attributes = read(Object::Open(file.as_fd())).ok()?;
            Some((stat.st_mode, stat.st_uid, stat.st_gid, modified(&stat), attributes))
        };
        looks(made).is_some_and(|made| Some(made) == looks(&self.file))
    }

    /// Makes it have another name, in place of what bears that.
    pub(crate) fn link(&self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
        let staging = self.staging.as_fd();
        remove(staging, LINKED)?;
        linkat(&self.parent, self.name.as_slice(), staging, LINKED, AtFlags::empty())?;
        let renamed = renameat(staging, LINKED, parent, name);
        // Where both are links to one file already, the system leaves both.
        remove(staging, LINKED)?;
        renamed
    }
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

fn modified(stat: &Stat) -> Timestamp {
    Timestamp { secs: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 }
}
