//! Owner, extended attributes, mode and time of what has been written.

use std::os::fd::AsFd;

use attributes::{CAPABILITY, Object, give};
use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::{Errno, Result};
use stream::{Attributes, Member, Stamp};

use crate::owners::Owners;

/// What an object gets when its content is there.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    mode: u32,
    owner: Option<(u32, u32)>,
    /// Whether the owner is given, or left as it comes.
    gives_owner: bool,
    mtime: Stamp,
    /// None where it is not known what they were: those that are there stay.
    pub(crate) extended: Option<Attributes>,
}

/// What of it an object has got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) owner: bool,
    pub(crate) mode: bool,
    pub(crate) mtime: bool,
    /// False for a further name of a file that has become a file of its own.
    pub(crate) link: bool,
    pub(crate) attributes: Result<()>,
}

/// Whether an object is its user's and its group's.
#[derive(Clone, Copy)]
struct Owned {
    user: bool,
    group: bool,
}

impl Metadata {
    /// The metadata that an entry of the backup records.
    pub(crate) fn of(member: &Member, owners: &mut Owners) -> Metadata {
        Metadata {
            mode: member.mode,
            owner: owners.of(member),
            gives_owner: owners.are_given(),
            mtime: member.mtime,
            extended: member.knows_attributes().then(|| member.attributes.clone()),
        }
    }

    /// The metadata of an existing object.
    pub(crate) fn found(stat: &Stat) -> Metadata {
        Metadata {
            mode: stat.st_mode & 0o7777,
            owner: Some((stat.st_uid, stat.st_gid)),
            gives_owner: true,
            mtime: Stamp { secs: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 },
            extended: None,
        }
    }

    /// This metadata without the owner, so that the object keeps its own.
    pub(crate) fn leaving_owner(self) -> Metadata {
        Metadata { gives_owner: false, ..self }
    }

    /// That of an object which is new: where its attributes are not known, it has none, not even
    /// those that its directory gives it.
    pub(crate) fn of_new(mut self) -> Metadata {
        self.extended.get_or_insert_default();
        self
    }

    /// Gives it to an open file or directory.
    pub(crate) fn set(&self, object: impl AsFd) -> Result<Given> {
        let look = || rustix::fs::fstat(&object);
        let chown = |uid, gid| rustix::fs::fchown(&object, uid, gid);
        let owned = self.own(look, chown)?;
        let attributes = self.extend(Object::Open(object.as_fd()), owned);
        bear(rustix::fs::fchmod(&object, self.mode(owned)))?;
        let now = self.set_times(look, |times| rustix::fs::futimens(&object, times))?;
        Ok(Given { mode: self.has_mode(&now, owned), ..self.given(&now, owned, attributes) })
    }

    /// Gives it to an object that is not to be opened. A symbolic link has no mode.
    pub(crate) fn set_at(&self, parent: impl AsFd, name: &[u8], has_mode: bool) -> Result<Given> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let look = || rustix::fs::statat(&parent, name, flags);
        let chown = |uid, gid| rustix::fs::chownat(&parent, name, uid, gid, flags);
        let owned = self.own(look, chown)?;
        let attributes = self.extend(Object::At(parent.as_fd(), name), owned);
        if has_mode {
            bear(rustix::fs::chmodat(&parent, name, self.mode(owned), AtFlags::empty()))?;
        }
        let utimes = |times: &Timestamps| rustix::fs::utimensat(&parent, name, times, flags);
        let now = self.set_times(look, utimes)?;
        let mode = !has_mode || self.has_mode(&now, owned);
        Ok(Given { mode, ..self.given(&now, owned, attributes) })
    }

    /// Gives the owner. Some file systems say that they have done so, and have not.
    fn own(
        &self,
        look: impl Fn() -> Result<Stat>,
        chown: impl Fn(Option<Uid>, Option<Gid>) -> Result<()>,
    ) -> Result<Owned> {
        let Some((uid, gid)) = self.owner else {
            return Ok(Owned { user: false, group: false });
        };
        let owned =
            || look().map(|now| Owned { user: now.st_uid == uid, group: now.st_gid == gid });
        let found = owned()?;
        if !self.gives_owner || found.user && found.group {
            return Ok(found);
        }
        let group = Some(Gid::from_raw(gid));
        match chown(Some(Uid::from_raw(uid)), group) {
            // Who is not root can still give it to a group of his own.
            Err(Errno::PERM | Errno::INVAL) => {
                let _ = chown(None, group);
                owned()
            }
            done => bear(done).and_then(|()| owned()),
        }
    }

    /// Gives the extended attributes. A program that runs with capabilities, or as its owner, must
    /// not begin to do so for another one.
    fn extend(&self, object: Object<'_>, owned: Owned) -> Result<()> {
        let Some(wanted) = &self.extended else {
            return Ok(());
        };
        if owned.user && owned.group || wanted.get(CAPABILITY).is_none() {
            return give(object, wanted);
        }
        let mut harmless = wanted.clone();
        harmless.remove(CAPABILITY);
        give(object, &harmless)?;
        if self.gives_owner { Err(Errno::PERM) } else { Ok(()) }
    }

    fn mode(&self, owned: Owned) -> Mode {
        let setuid = if owned.user { 0 } else { 0o4000 };
        let setgid = if owned.group { 0 } else { 0o2000 };
        Mode::from_raw_mode(self.mode & !(setuid | setgid))
    }

    fn has_mode(&self, now: &Stat, owned: Owned) -> bool {
        Mode::from_raw_mode(now.st_mode & 0o7777) == self.mode(owned)
    }

    fn given(&self, now: &Stat, owned: Owned, attributes: Result<()>) -> Given {
        let owner = !self.gives_owner || owned.user && owned.group;
        Given { owner, mode: true, mtime: self.has_mtime(now), link: true, attributes }
    }

    /// File systems round: FAT to two seconds.
    fn has_mtime(&self, now: &Stat) -> bool {
        now.st_mtime.abs_diff(self.mtime.secs) <= 2
    }

    /// Gives the modification time, and returns what the object looks like then.
    fn set_times(
        &self,
        look: impl Fn() -> Result<Stat>,
        set: impl Fn(&Timestamps) -> Result<()>,
    ) -> Result<Stat> {
        bear(set(&self.times(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT })))?;
        let now = look()?;
        let Stamp { secs, nanos } = self.mtime;
        if (now.st_mtime, now.st_mtime_nsec) == (secs, nanos.into()) {
            return Ok(now);
        }
        // File systems of FUSE's old interface set both times or none, without an error.
        let accessed = Timespec { tv_sec: now.st_atime, tv_nsec: now.st_atime_nsec.cast_signed() };
        bear(set(&self.times(accessed)))?;
        look()
    }

    fn times(&self, last_access: Timespec) -> Timestamps {
        let Stamp { secs, nanos } = self.mtime;
        let last_modification = Timespec { tv_sec: secs, tv_nsec: nanos.into() };
        Timestamps { last_access, last_modification }
    }
}

/// Bears with a file system that has no such metadata: what an object has got is looked at after.
fn bear(done: Result<()>) -> Result<()> {
    match done {
        Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        done => done,
    }
}
