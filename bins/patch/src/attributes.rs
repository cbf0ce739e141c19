//! Owner, mode and time of what has been written.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;
use stream::{Member, Stamp};

use crate::owners::Owners;

/// What an object gets when its content is there.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    mode: u32,
    owner: Option<(u32, u32)>,
    mtime: Stamp,
}

/// Whether an object has got the owner that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    Yes,
    No,
}

impl Attributes {
    /// Those of an entry.
    pub(crate) fn of(member: &Member, owners: &mut Owners) -> Attributes {
        Attributes { mode: member.mode, owner: owners.of(member), mtime: member.mtime }
    }

    /// Those of an object that is there.
    pub(crate) fn found(stat: &Stat) -> Attributes {
        Attributes {
            mode: stat.st_mode & 0o7777,
            owner: Some((stat.st_uid, stat.st_gid)),
            mtime: Stamp { secs: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 },
        }
    }

    /// Gives them to an open file or directory.
    pub(crate) fn set(&self, object: impl AsFd) -> rustix::io::Result<Owned> {
        let stat = rustix::fs::fstat(&object)?;
        let owned = self.own((stat.st_uid, stat.st_gid), |uid, gid| {
            rustix::fs::fchown(&object, Some(uid), Some(gid))
        })?;
        // A program that runs as its owner must not begin to run as another.
        let mode = if owned == Owned::No { self.mode & 0o1777 } else { self.mode };
        rustix::fs::fchmod(&object, Mode::from_raw_mode(mode))?;
        rustix::fs::futimens(&object, &self.times())?;
        Ok(owned)
    }

    /// Gives them to an object that is not to be opened. A symbolic link has no mode.
    pub(crate) fn set_at(
        &self,
        parent: impl AsFd,
        name: &[u8],
        has_mode: bool,
    ) -> rustix::io::Result<Owned> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = rustix::fs::statat(&parent, name, flags)?;
        let owned = self.own((stat.st_uid, stat.st_gid), |uid, gid| {
            rustix::fs::chownat(&parent, name, Some(uid), Some(gid), flags)
        })?;
        if has_mode {
            let mode = if owned == Owned::No { self.mode & 0o1777 } else { self.mode };
            rustix::fs::chmodat(&parent, name, Mode::from_raw_mode(mode), AtFlags::empty())?;
        }
        rustix::fs::utimensat(&parent, name, &self.times(), flags)?;
        Ok(owned)
    }

    fn own(
        &self,
        is: (u32, u32),
        chown: impl FnOnce(Uid, Gid) -> rustix::io::Result<()>,
    ) -> rustix::io::Result<Owned> {
        let Some((uid, gid)) = self.owner else {
            return Ok(Owned::No);
        };
        if is == (uid, gid) {
            return Ok(Owned::Yes);
        }
        match chown(Uid::from_raw(uid), Gid::from_raw(gid)) {
            Err(Errno::PERM | Errno::INVAL) => Ok(Owned::No),
            done => done.map(|()| Owned::Yes),
        }
    }

    fn times(&self) -> Timestamps {
        let Stamp { secs, nanos } = self.mtime;
        Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: secs, tv_nsec: nanos.into() },
        }
    }
}
