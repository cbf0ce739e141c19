//! Owner, extended attributes, mode and time of what has been written, and the warnings about what of
//! that could not be restored.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Display;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use attributes::{CAPABILITY, Object, give};
use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::{Errno, Result};
use rustix::process::geteuid;
use stream::{Attributes, Member, Timestamp};

/// The metadata that an object gets when its content has been written.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    mode: u32,
    owner: Option<(u32, u32)>,
    /// Whether the owner is set; else it stays that of the caller.
    gives_owner: bool,
    mtime: Timestamp,
    /// None if the backup does not record them: then those of the object stay.
    pub(crate) extended: Option<Attributes>,
}

/// Which parts of its metadata an object has got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppliedMetadata {
    pub(crate) owner: bool,
    pub(crate) mode: bool,
    pub(crate) mtime: bool,
    /// False for a further name of a file that has become a file of its own.
    pub(crate) link: bool,
    pub(crate) attributes: Result<()>,
}

/// Whether an object has the user and the group of the backup.
#[derive(Clone, Copy)]
struct Owned {
    user: bool,
    group: bool,
}

impl Metadata {
    /// The metadata of an entry.
    pub(crate) fn of(member: &Member, owners: &mut Owners) -> Metadata {
        Metadata {
            mode: member.mode,
            owner: owners.of(member),
            gives_owner: owners.are_given(),
            mtime: member.mtime,
            extended: member.knows_attributes().then(|| member.attributes.clone()),
        }
    }

    /// The metadata of an object that exists.
    pub(crate) fn found(stat: &Stat) -> Metadata {
        Metadata {
            mode: stat.st_mode & 0o7777,
            owner: Some((stat.st_uid, stat.st_gid)),
            gives_owner: true,
            mtime: Timestamp { secs: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 },
            extended: None,
        }
    }

    /// The same without an owner: the object keeps its own.
    pub(crate) fn leaving_owner(self) -> Metadata {
        Metadata { gives_owner: false, ..self }
    }

    /// For a new object: if its attributes are not recorded, it has none, not even those that its
    /// directory gives it.
    pub(crate) fn of_new(mut self) -> Metadata {
        self.extended.get_or_insert_default();
        self
    }

    /// Without the extended attributes: the object has them already.
    pub(crate) fn leaving_attributes(self) -> Metadata {
        Metadata { extended: None, ..self }
    }

    /// Whether an object has it, its extended attributes aside.
    pub(crate) fn is_given(&self, stat: &Stat, has_mode: bool) -> bool {
        let owned = match self.owner {
            Some((uid, gid)) => Owned { user: stat.st_uid == uid, group: stat.st_gid == gid },
            None => Owned { user: false, group: false },
        };
        let is_owned = !self.gives_owner || self.owner.is_none() || owned.user && owned.group;
        let time = Timestamp { secs: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 };
        is_owned && (!has_mode || self.has_mode(stat, owned)) && time == self.mtime
    }

    /// Sets it on an open file or directory.
    pub(crate) fn set(&self, object: impl AsFd) -> Result<AppliedMetadata> {
        let stat = || rustix::fs::fstat(&object);
        let chown = |uid, gid| rustix::fs::fchown(&object, uid, gid);
        let owned = self.own(stat, chown)?;
        let attributes = self.extend(Object::Open(object.as_fd()), owned);
        tolerate(rustix::fs::fchmod(&object, self.mode(owned)))?;
        let now = self.set_times(stat, |times| rustix::fs::futimens(&object, times))?;
        Ok(AppliedMetadata {
            mode: self.has_mode(&now, owned),
            ..self.given(&now, owned, attributes)
        })
    }

    /// Sets it on an object that is not to be opened. A symbolic link has no mode.
    pub(crate) fn set_at(
        &self,
        parent: impl AsFd,
        name: &[u8],
        has_mode: bool,
    ) -> Result<AppliedMetadata> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = || rustix::fs::statat(&parent, name, flags);
        let chown = |uid, gid| rustix::fs::chownat(&parent, name, uid, gid, flags);
        let owned = self.own(stat, chown)?;
        let attributes = self.extend(Object::At(parent.as_fd(), name), owned);
        if has_mode {
            tolerate(rustix::fs::chmodat(&parent, name, self.mode(owned), AtFlags::empty()))?;
        }
        let utimes = |times: &Timestamps| rustix::fs::utimensat(&parent, name, times, flags);
        let now = self.set_times(stat, utimes)?;
        let mode = !has_mode || self.has_mode(&now, owned);
        Ok(AppliedMetadata { mode, ..self.given(&now, owned, attributes) })
    }

    /// Gives the owner. Some file systems say that they have done so, and have not.
    fn own(
        &self,
        stat: impl Fn() -> Result<Stat>,
        chown: impl Fn(Option<Uid>, Option<Gid>) -> Result<()>,
    ) -> Result<Owned> {
        let Some((uid, gid)) = self.owner else {
            return Ok(Owned { user: false, group: false });
        };
        let owned =
            || stat().map(|now| Owned { user: now.st_uid == uid, group: now.st_gid == gid });
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
            done => tolerate(done).and_then(|()| owned()),
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

    fn given(&self, now: &Stat, owned: Owned, attributes: Result<()>) -> AppliedMetadata {
        let owner = !self.gives_owner || owned.user && owned.group;
        let mtime = self.has_mtime(now);
        AppliedMetadata { owner, mode: true, mtime, link: true, attributes }
    }

    /// File systems round: FAT to two seconds.
    fn has_mtime(&self, now: &Stat) -> bool {
        now.st_mtime.abs_diff(self.mtime.secs) <= 2
    }

    /// Sets the modification time, and inspects the object afterwards.
    fn set_times(
        &self,
        stat: impl Fn() -> Result<Stat>,
        set: impl Fn(&Timestamps) -> Result<()>,
    ) -> Result<Stat> {
        tolerate(set(&self.times(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT })))?;
        let now = stat()?;
        let Timestamp { secs, nanos } = self.mtime;
        if (now.st_mtime, now.st_mtime_nsec) == (secs, nanos.into()) {
            return Ok(now);
        }
        // File systems of FUSE's old interface set both times or none, without an error.
        let accessed = Timespec { tv_sec: now.st_atime, tv_nsec: now.st_atime_nsec.cast_signed() };
        tolerate(set(&self.times(accessed)))?;
        stat()
    }

    fn times(&self, last_access: Timespec) -> Timestamps {
        let Timestamp { secs, nanos } = self.mtime;
        let last_modification = Timespec { tv_sec: secs, tv_nsec: nanos.into() };
        Timestamps { last_access, last_modification }
    }
}

/// Ignores that a file system has no such metadata: what the object has got is inspected afterwards.
fn tolerate(done: Result<()>) -> Result<()> {
    match done {
        Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        done => done,
    }
}

/// Whose the restored objects are, with the names looked up so far; a backup has few.
pub struct Owners {
    way: Way,
    users: HashMap<Vec<u8>, Option<u32>>,
    groups: HashMap<Vec<u8>, Option<u32>>,
}

/// Longer names than any system takes are nobody's.
const LONGEST: usize = 256;
/// More names than any machine has, so that an archive cannot fill the memory with them.
const MOST: usize = 100_000;

/// How objects get their owners.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ByName,
    ByNumber,
    /// Owners are not set.
    Kept,
}

impl Owners {
    /// By name where this machine knows it, else by number.
    pub fn by_name() -> Owners {
        Owners { way: Way::ByName, users: HashMap::new(), groups: HashMap::new() }
    }

    /// By number.
    pub fn by_number() -> Owners {
        Owners { way: Way::ByNumber, ..Owners::by_name() }
    }

    /// Owners are not set: objects belong to the caller.
    pub fn kept() -> Owners {
        Owners { way: Way::Kept, ..Owners::by_name() }
    }

    /// The same, without what has been looked up.
    pub(crate) fn again(&self) -> Owners {
        Owners { way: self.way, ..Owners::by_name() }
    }

    /// Whether objects are given their owners.
    pub(crate) fn are_given(&self) -> bool {
        self.way != Way::Kept
    }

    /// The numbers of owner and group; none where they are out of range.
    pub fn of(&mut self, member: &Member) -> Option<(u32, u32)> {
        if self.users.len() + self.groups.len() > MOST {
            self.users.clear();
            self.groups.clear();
        }
        let user =
            |name: &[u8]| uzers::get_user_by_name(OsStr::from_bytes(name)).map(|user| user.uid());
        let group = |name: &[u8]| {
            uzers::get_group_by_name(OsStr::from_bytes(name)).map(|group| group.gid())
        };
        let (uname, gname) = match self.way {
            Way::ByNumber => (&[][..], &[][..]),
            _ => (member.uname.as_slice(), member.gname.as_slice()),
        };
        let uid = number(&mut self.users, uname, member.uid, user)?;
        let gid = number(&mut self.groups, gname, member.gid, group)?;
        Some((uid, gid))
    }
}

fn number(
    known: &mut HashMap<Vec<u8>, Option<u32>>,
    name: &[u8],
    number: u64,
    ask: impl Fn(&[u8]) -> Option<u32>,
) -> Option<u32> {
    let named = match known.get(name) {
        Some(named) => *named,
        None if name.is_empty() || name.len() > LONGEST => None,
        None => *known.entry(name.to_vec()).or_insert_with(|| ask(name)),
    };
    // The largest number means "as it is" to the system, and is nobody's.
    named.or_else(|| u32::try_from(number).ok().filter(|number| *number != u32::MAX))
}

/// Counts of what could not be restored.
#[derive(Debug, Default)]
pub(crate) struct MetadataWarnings {
    owners: u64,
    attributes: u64,
    modes: u64,
    mtimes: u64,
    links: u64,
    devices: u64,
}

impl MetadataWarnings {
    /// Counts what an object lacks.
    pub(crate) fn add(&mut self, which: impl Display, given: AppliedMetadata) {
        if !given.owner {
            log::info!("{which}: owner not restored");
            self.owners += 1;
        }
        if let Err(error) = given.attributes {
            log::info!("{which}: not all extended attributes restored: {error}");
            self.attributes += 1;
        }
        if !given.mode {
            log::info!("{which}: mode not restored");
            self.modes += 1;
        }
        if !given.mtime {
            log::info!("{which}: modification time not restored");
            self.mtimes += 1;
        }
        if !given.link {
            log::info!("{which}: hard link restored as a separate file");
            self.links += 1;
        }
    }

    /// Whether a device could not be made.
    pub(crate) fn lacks_devices(&self) -> bool {
        self.devices > 0
    }

    /// Counts a device that could not be made.
    pub(crate) fn add_device(&mut self, which: impl Display) {
        log::info!("{which}: device not restored");
        self.devices += 1;
    }

    /// Warns in one line of what could not be restored. Returns how many objects that concerns.
    pub(crate) fn report(&self) -> u64 {
        let metadata = self.owners + self.attributes + self.modes + self.mtimes;
        let all = metadata + self.links + self.devices;
        if all == 0 {
            return 0;
        }
        let root = if geteuid().is_root() { "" } else { "run as root to restore them; " };
        log::warn!("could not restore: {} ({root}--verbosity info names them)", self.words());
        all
    }

    fn words(&self) -> String {
        let parts = [
            (self.owners, "the owner of ", "object"),
            (self.attributes, "extended attributes of ", "object"),
            (self.modes, "the mode of ", "object"),
            (self.mtimes, "the modification time of ", "object"),
            (self.links, "", "hard link"),
            (self.devices, "", "device"),
        ];
        let parts = parts.iter().filter(|(count, ..)| *count > 0).map(|(count, before, what)| {
            let plural = if *count == 1 { "" } else { "s" };
            format!("{before}{count} {what}{plural}")
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn all_of_it_is_one_line() {
        let mut warnings = MetadataWarnings::default();
        assert_eq!(warnings.report(), 0);
        let given = AppliedMetadata {
            owner: false,
            mode: true,
            mtime: true,
            link: true,
            attributes: Ok(()),
        };
        warnings.add("a", given);
        assert_eq!(warnings.words(), "the owner of 1 object");
        warnings.add("b", AppliedMetadata { attributes: Err(Errno::PERM), ..given });
        warnings.add_device("c");
        let words = "the owner of 2 objects, extended attributes of 1 object, 1 device";
        assert_eq!((warnings.words().as_str(), warnings.report()), (words, 4));
    }
}
