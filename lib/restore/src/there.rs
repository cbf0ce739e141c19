//! A tree that is there already, read in index order. It may belong to another user, who changes it
//! meanwhile: no symbolic link is followed, no file system is entered that is mounted in it, and each object
//! is reached by a single name in an open directory.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use archive::TreePath;
use attributes::{Object, digest, read};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use stream::member::Kind;
use stream::{Member, Timestamp};

use crate::metadata::{Metadata, Owners};
use crate::objects::inspect;
use crate::plan::Inode;

/// A directory as a place to look names up in.
const PLACE: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The tree, and where in it we are.
pub(crate) struct ThereTree {
    root: OwnedFd,
    path: TreePath,
    /// The directories on the way there; none from the first one on that is not there.
    frames: Vec<Option<OwnedFd>>,
}

/// What a file has to be.
pub(crate) struct Expected<'a> {
    pub(crate) member: &'a Member,
    pub(crate) size: Option<u64>,
    pub(crate) attributes: &'a str,
    /// How many names the file has.
    pub(crate) links: usize,
    /// Whether others than the caller can reach the file.
    pub(crate) is_public: bool,
}

/// A file that is there, and looks as it should.
pub(crate) struct Candidate {
    pub(crate) file: std::fs::File,
    stat: Stat,
}

impl ThereTree {
    pub(crate) fn new(root: OwnedFd) -> ThereTree {
        ThereTree { root, path: TreePath::root(), frames: Vec::new() }
    }

    /// The directory of that path; none if there is none.
    pub(crate) fn directory(&mut self, path: &TreePath) -> Option<BorrowedFd<'_>> {
        while !path.starts_with(&self.path) {
            self.frames.pop();
            self.path = self.path.parent().unwrap_or_default();
        }
        let below = path.strip_prefix(&self.path).unwrap_or_default();
        for name in below.components() {
            let here = match self.frames.last() {
                None => Some(self.root.as_fd()),
                Some(frame) => frame.as_ref().map(AsFd::as_fd),
            };
            let next = here.and_then(|here| enter(here, name));
            self.frames.push(next);
        }
        self.path.clone_from(path);
        match self.frames.last() {
            None => Some(self.root.as_fd()),
            Some(frame) => frame.as_ref().map(AsFd::as_fd),
        }
    }

    /// Whether there is a directory with these extended attributes.
    pub(crate) fn has_directory(&mut self, path: &TreePath, attributes: &str) -> bool {
        let found = if let Some(name) = path.file_name() {
            let parent = path.parent().unwrap_or_default();
            // Whether it is one is looked up first, so that a file is not asked for its attributes.
            if self.directory(path).is_none() {
                return false;
            }
            self.directory(&parent).map(|parent| read(Object::At(parent, name)))
        } else {
            Some(read(Object::At(self.root.as_fd(), b".")))
        };
        found.is_some_and(|found| found.is_ok_and(|found| digest(&found) == attributes))
    }

    /// Whether there is an object without content that differs in nothing.
    pub(crate) fn has_special(
        &mut self,
        path: &TreePath,
        (member, attributes): (&Member, &str),
        owners: &mut Owners,
    ) -> bool {
        let Some((parent, name)) = self.place(path) else { return false };
        let Ok(stat) = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
        let is_same = match (member.kind, FileType::from_raw_mode(stat.st_mode)) {
            (Kind::Symlink, FileType::Symlink) => readlinkat(parent, name, Vec::new())
                .is_ok_and(|target| target.as_bytes() == member.link),
            (Kind::Fifo, FileType::Fifo) => true,
            (Kind::CharDevice, FileType::CharacterDevice)
            | (Kind::BlockDevice, FileType::BlockDevice) => {
                let numbers = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
                numbers == member.device
            }
            _ => false,
        };
        let mut is_given = || {
            let has_mode = member.kind != Kind::Symlink;
            Metadata::of(member, owners).is_given(&stat, has_mode)
        };
        is_same
            && stat.st_nlink == 1
            && is_given()
            && read(Object::At(parent, name)).is_ok_and(|found| digest(&found) == attributes)
    }

    /// The file of that path, if all of it but its content is as expected, or can be made so without a new
    /// file.
    pub(crate) fn candidate(
        &mut self,
        path: &TreePath,
        expected: &Expected<'_>,
        owners: &mut Owners,
    ) -> Option<Candidate> {
        let (parent, name) = self.place(path)?;
        // A device might do something when it is opened.
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if !expected.suits(&stat, owners) {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = openat(parent, name, flags | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let stat = fstat(&file).ok()?;
        let attributes = read(Object::Open(file.as_fd())).ok()?;
        let is_same = expected.suits(&stat, owners)
            && digest(&attributes) == expected.attributes
            && inspect(&file).is_ok_and(|look| !look.mount);
        is_same.then(|| Candidate { file: file.into(), stat })
    }

    /// The inode of a path, wherever in the tree we are; none if it is none of a file.
    pub(crate) fn inode(&self, path: &TreePath) -> Option<Inode> {
        let mut directory = self.root.try_clone().ok()?;
        for name in path.parent()?.components() {
            directory = enter(directory.as_fd(), name)?;
        }
        let stat = statat(&directory, path.file_name()?, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        is_file(&stat).then(|| Inode::of(&stat))
    }

    /// The directory that holds a path, and the name there. The root has none.
    fn place<'p>(&mut self, path: &'p TreePath) -> Option<(BorrowedFd<'_>, &'p [u8])> {
        let name = path.file_name()?;
        Some((self.directory(&path.parent()?)?, name))
    }
}

/// Opens a directory that is no mount point.
fn enter(parent: BorrowedFd<'_>, name: &[u8]) -> Option<OwnedFd> {
    let directory = openat(parent, name, PLACE, Mode::empty()).ok()?;
    inspect(&directory).is_ok_and(|look| !look.mount).then_some(directory)
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

impl Inode {
    pub(crate) fn of(stat: &Stat) -> Inode {
        let device = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
        let changed = Timestamp { secs: stat.st_ctime, nanos: stat.st_ctime_nsec as u32 };
        Inode { id: (device.0, device.1, stat.st_ino), changed }
    }
}

impl Expected<'_> {
    fn suits(&self, stat: &Stat, owners: &mut Owners) -> bool {
        is_file(stat)
            && self.size.is_none_or(|size| u64::try_from(stat.st_size) == Ok(size))
            && usize::try_from(stat.st_nlink) == Ok(self.links)
            && (!self.is_public || self.may_stay(stat, owners))
    }

    /// Whether nobody could write to the file who may not write to it as the backup has it: who has opened
    /// it could go on doing so when it has got another owner and mode. And whether the caller can give it
    /// its metadata.
    fn may_stay(&self, stat: &Stat, owners: &mut Owners) -> bool {
        let caller = geteuid().as_raw();
        let owner = owners.of(self.member).filter(|_| owners.are_given());
        let is_owner = stat.st_uid == caller
            || (geteuid().is_root() && owner.is_some_and(|(user, _)| stat.st_uid == user));
        let mode = self.member.mode;
        let group = stat.st_mode & 0o020 == 0
            || mode & 0o020 != 0 && owner.is_none_or(|(_, group)| stat.st_gid == group);
        let others = stat.st_mode & 0o002 == 0 || mode & 0o002 != 0;
        is_owner && group && others
    }
}

impl Candidate {
    /// Its size in bytes when it was opened.
    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or_default()
    }

    /// Whether it has metadata.
    pub(crate) fn has(&self, metadata: &Metadata) -> bool {
        metadata.is_given(&self.stat, true)
    }

    /// The inode, if it has not been changed since it was opened.
    pub(crate) fn unchanged(&self) -> Option<Inode> {
        let inode = Inode::of(&self.stat);
        (Inode::of(&fstat(&self.file).ok()?) == inode).then_some(inode)
    }
}

/// The SHA-256 of content in hex; none where it can't be read.
pub(crate) fn hash(mut content: impl Read) -> Option<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; stream::pipe::BUFFER];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Some(format!("{:x}", hash.finalize())),
            Ok(n) => hash.update(&buffer[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
