//! The file system: the object of each inode number, and the attributes that the kernel gets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use attributes::counts;
use fuser::{Errno, FileAttr, FileType, INodeNo, ReplyDirectory};
use restore::Owners;
use rustix::process::{getegid, geteuid};
use stream::member::Kind;
use stream::{Member, Timestamp};

use crate::backup::{Backup, Object, Reported};

/// The name of the link to the newest state.
const LATEST: &[u8] = b"latest";
/// The longest name that the kernel takes from a file system, in bytes.
const LONGEST_NAME: usize = 1024;
/// Bytes that the kernel reads ahead.
pub(crate) const READ_AHEAD: u32 = 1 << 20;
/// The user and group of what belongs to nobody, and the bits of a mode that lend the rights of owners.
const NOBODY: u32 = 65534;
const SET_ID: u32 = 0o6000;

/// Bits of an inode number that are those of a path in its tree; those above are of the state.
const PATH_BITS: u32 = 40;
const ROOT: u64 = 1;
const LINK: u64 = 2;

/// All states of a backup as a file system.
pub(crate) struct States {
    backup: Backup,
    owners: Mutex<Owners>,
}

/// What an inode number stands for.
enum Inode {
    Root,
    Latest,
    Object { state: usize, number: u64 },
}

impl Inode {
    fn of(number: u64) -> Inode {
        match (number >> PATH_BITS, number) {
            (0, LINK) => Inode::Latest,
            (0, _) => Inode::Root,
            (state, _) => {
                Inode::Object { state: state as usize - 1, number: number & ((1 << PATH_BITS) - 1) }
            }
        }
    }
}

fn inode(state: usize, number: u64) -> INodeNo {
    INodeNo((state as u64 + 1) << PATH_BITS | number)
}

/// What is known of an inode.
pub(crate) enum Known {
    Attributes(FileAttr),
    Object(Object),
}

impl From<Reported> for Errno {
    fn from(_: Reported) -> Errno {
        Errno::EIO
    }
}

impl States {
    pub(crate) fn new(backup: Backup, owners: Owners) -> States {
        States { backup, owners: Mutex::new(owners) }
    }

    fn object(&self, number: INodeNo) -> Result<Object, Errno> {
        match Inode::of(number.0) {
            Inode::Object { state, number } => {
                self.backup.object(state, number)?.ok_or(Errno::ENOENT)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// What there is to say of an inode, or the object whose size only a volume may have.
    pub(crate) fn known(&self, number: INodeNo) -> Result<Known, Errno> {
        let attributes = match Inode::of(number.0) {
            Inode::Root => Ok(self.own(ROOT, FileType::Directory, 0)),
            Inode::Latest => {
                Ok(self.own(LINK, FileType::Symlink, self.latest().unwrap_or_default().len()))
            }
            Inode::Object { state, number: 0 } if let Some(root) = self.backup.root(state) => {
                self.described(inode(state, 0), root, 0, 1)
            }
            Inode::Object { .. } => return Ok(Known::Object(self.object(number)?)),
        };
        attributes.map(Known::Attributes)
    }

    /// Whether an object's size is known without a volume.
    pub(crate) fn knows_size(&self, object: &Object) -> bool {
        object.member.kind != Kind::File || Backup::knows_size(object)
    }

    pub(crate) fn stat(&self, object: &Object) -> Result<FileAttr, Errno> {
        let (size, names) = match object.member.kind {
            Kind::File => (self.backup.size(object)?, self.backup.count_names(object)?),
            Kind::Symlink => (object.member.link.len() as u64, 1),
            _ => (0, 1),
        };
        self.described(inode(object.state, object.node.number), &object.member, size, names)
    }

    fn described(
        &self,
        ino: INodeNo,
        member: &Member,
        size: u64,
        nlink: u32,
    ) -> Result<FileAttr, Errno> {
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner).of(member);
        let (uid, gid) = owners.unwrap_or((NOBODY, NOBODY));
        let lent = if owners.is_some() { 0 } else { SET_ID };
        let mtime = time(member.mtime);
        Ok(FileAttr {
            ino,
            size,
            blocks: size.div_ceil(512),
            atime: mtime,
            mtime,
            ctime: mtime,
            crtime: mtime,
            kind: file_type(member.kind).ok_or(Errno::EIO)?,
            perm: (member.mode & 0o7777 & !lent) as u16,
            nlink,
            uid,
            gid,
            rdev: device(member.device),
            blksize: READ_AHEAD,
            flags: 0,
        })
    }

    /// What is of this program, and of no backup.
    fn own(&self, number: u64, kind: FileType, size: usize) -> FileAttr {
        let newest = self.backup.states.all.last().map_or(0, |state| state.time.seconds());
        let mtime = time(Timestamp { secs: newest, nanos: 0 });
        FileAttr {
            ino: INodeNo(number),
            size: size as u64,
            blocks: 0,
            atime: mtime,
            mtime,
            ctime: mtime,
            crtime: mtime,
            kind,
            perm: if kind == FileType::Symlink { 0o777 } else { 0o555 },
            nlink: 1,
            uid: geteuid().as_raw(),
            gid: getegid().as_raw(),
            rdev: 0,
            blksize: READ_AHEAD,
            flags: 0,
        }
    }

    fn latest(&self) -> Option<&str> {
        self.backup.states.all.last().map(|state| state.name.as_str())
    }

    /// The same for a name in a directory.
    pub(crate) fn find(&self, above: INodeNo, name: &OsStr) -> Result<Known, Errno> {
        let name = name.as_bytes();
        match Inode::of(above.0) {
            Inode::Root if name == LATEST && self.latest().is_some() => self.known(INodeNo(LINK)),
            Inode::Root => {
                let state = self.backup.states.named(name).ok_or(Errno::ENOENT)?;
                self.known(inode(state, 0))
            }
            Inode::Latest => Err(Errno::ENOTDIR),
            Inode::Object { .. } => {
                let above = self.directory(above)?;
                let child = self.backup.child(&above, name)?.ok_or(Errno::ENOENT)?;
                Ok(Known::Object(self.backup.first_name(child)?))
            }
        }
    }

    fn directory(&self, number: INodeNo) -> Result<Object, Errno> {
        let object = self.object(number)?;
        if object.member.kind == Kind::Directory { Ok(object) } else { Err(Errno::ENOTDIR) }
    }

    /// Lists the states. An entry's place in the list is its number plus three.
    fn list_states(&self, from: u64, reply: &mut ReplyDirectory) {
        let states = self.backup.states.all.iter().enumerate();
        for (number, state) in states.skip(from.saturating_sub(3) as usize) {
            let next = number as u64 + 4;
            if reply.add(inode(number, 0), next, FileType::Directory, &state.name) {
                return;
            }
        }
        let end = self.backup.states.all.len() as u64 + 3;
        if from <= end && self.latest().is_some() {
            let _ = reply.add(INodeNo(LINK), end + 1, FileType::Symlink, OsStr::from_bytes(LATEST));
        }
    }

    /// Lists a directory of a state. An entry's place in the list is the number of its path plus three.
    fn list(&self, above: &Object, from: u64, reply: &mut ReplyDirectory) -> Result<(), Errno> {
        let mut from = from.saturating_sub(3);
        while let Some(child) = self.backup.next_child(above, from)? {
            let (next, kind) = (child.node.end, file_type(child.member.kind));
            from = next;
            let name = child.node.record.path.file_name().unwrap_or_default().to_owned();
            let Some(kind) = kind.filter(|_| name.len() <= LONGEST_NAME) else { continue };
            let child = self.backup.first_name(child)?;
            let number = inode(child.state, child.node.number);
            if reply.add(number, next + 3, kind, OsStr::from_bytes(&name)) {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(crate) fn list_any(
        &self,
        of: INodeNo,
        from: u64,
        reply: &mut ReplyDirectory,
    ) -> Result<(), Errno> {
        for (place, name) in [(1, "."), (2, "..")] {
            if from < place && reply.add(of, place, FileType::Directory, name) {
                return Ok(());
            }
        }
        match Inode::of(of.0) {
            Inode::Root => {
                self.list_states(from, reply);
                Ok(())
            }
            _ => self.list(&self.directory(of)?, from, reply),
        }
    }

    pub(crate) fn target(&self, number: INodeNo) -> Result<Vec<u8>, Errno> {
        if let Inode::Latest = Inode::of(number.0) {
            return Ok(self.latest().unwrap_or_default().as_bytes().to_vec());
        }
        let target = self.object(number)?.member.link;
        // The kernel takes no others, and a hostile archive has them.
        let fits = !target.is_empty() && target.len() < 4096 && !target.contains(&0);
        if fits { Ok(target) } else { Err(Errno::EIO) }
    }

    pub(crate) fn content(
        &self,
        number: INodeNo,
        from: u64,
        length: u32,
    ) -> Result<Vec<u8>, Errno> {
        let object = self.object(number)?;
        if object.member.kind != Kind::File {
            return Err(Errno::EINVAL);
        }
        Ok(self.backup.read(&object, from, length as usize)?)
    }

    /// Whether an inode's extended attributes are known without a volume.
    pub(crate) fn knows_extended(&self, number: INodeNo, name: Option<&OsStr>) -> bool {
        if name.is_some_and(|name| !counts(name.as_bytes())) {
            return true;
        }
        match Inode::of(number.0) {
            Inode::Object { .. } => {
                !self.object(number).is_ok_and(|object| object.has_attributes())
            }
            _ => true,
        }
    }

    /// The names of the attributes, each followed by NUL; or the value of one.
    pub(crate) fn extended(&self, number: INodeNo, name: Option<&OsStr>) -> Result<Vec<u8>, Errno> {
        let Inode::Object { .. } = Inode::of(number.0) else {
            return if name.is_some() { Err(Errno::ENODATA) } else { Ok(Vec::new()) };
        };
        if name.is_some_and(|name| !counts(name.as_bytes())) {
            return Err(Errno::ENODATA);
        }
        let known = self.backup.attributes(&self.object(number)?)?;
        match name {
            Some(name) => known.get(name.as_bytes()).map(<[u8]>::to_vec).ok_or(Errno::ENODATA),
            None => {
                let names = known.iter().map(|(name, _)| name).filter(|name| counts(name));
                Ok(names.flat_map(|name| [name, b"\0"].concat()).collect())
            }
        }
    }
}

fn file_type(kind: Kind) -> Option<FileType> {
    Some(match kind {
        Kind::File => FileType::RegularFile,
        Kind::Directory => FileType::Directory,
        Kind::Symlink => FileType::Symlink,
        Kind::Fifo => FileType::NamedPipe,
        Kind::CharDevice => FileType::CharDevice,
        Kind::BlockDevice => FileType::BlockDevice,
        Kind::HardLink | Kind::Other(_) => return None,
    })
}

/// A time as the system has it; the epoch, if it is out of range.
fn time(stamp: Timestamp) -> SystemTime {
    let nanos = Duration::from_nanos(stamp.nanos.min(999_999_999).into());
    let seconds = Duration::from_secs(stamp.secs.unsigned_abs());
    let whole = if stamp.secs < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(seconds)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(seconds)
    };
    whole.and_then(|whole| whole.checked_add(nanos)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The numbers of a device as the kernel takes them: 12 bits and 20 bits.
fn device((major, minor): (u32, u32)) -> u32 {
    (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xf_ff00) << 12
}
