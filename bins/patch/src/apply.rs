//! Applying entries to the new tree.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use archive::{Part, TreePath};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, makedev};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use stream::member::{Kind, SHA256};
use stream::{Failure, Member, OrFail, Status};

use crate::attributes::{Attributes, Owned};
use crate::cursor::Cursor;
use crate::entries::{Entries, Entry};
use crate::marks::Marks;
use crate::owners::Owners;
use crate::remove::remove;

/// The name of a file in the staging folder while its delta is applied.
pub(crate) const PATCHED: &[u8] = b"patched";
const BUFFER: usize = 64 << 10;

/// The tree that is being built.
pub(crate) struct Tree {
    pub(crate) cursor: Cursor,
    owners: Owners,
    /// What of the backup is wanted; it becomes the root of the tree.
    pub(crate) wanted: TreePath,
    unowned: u64,
    left_out: u64,
    /// What stands in the tree for what is lost; none for who does not go on past damage.
    pub(crate) marks: Option<Marks>,
}

impl Tree {
    pub(crate) fn new(staging: OwnedFd, wanted: TreePath, keep_going: bool) -> Tree {
        let cursor = Cursor::new(staging);
        let marks = keep_going.then(Marks::new);
        Tree { cursor, owners: Owners::default(), wanted, unowned: 0, left_out: 0, marks }
    }

    /// Applies an entry, if it is wanted; `body` is where its content comes from.
    pub(crate) fn apply(&mut self, entry: &Entry, body: &mut Entries) -> Result<(), Failure> {
        let Some(path) = entry.name.path.strip_prefix(&self.wanted) else {
            return self.pass(entry);
        };
        let which = &entry.name.path;
        match (entry.name.part, entry.member.kind) {
            (Part::Diff, Kind::File) => self.patch(&path, which, &entry.member, body),
            (Part::Snapshot, Kind::File) => self.write(&path, which, &entry.member, body),
            _ => self.apply_bodiless(&path, entry),
        }
    }

    /// Applies an entry that has no content.
    pub(crate) fn apply_bodiless(&mut self, path: &TreePath, entry: &Entry) -> Result<(), Failure> {
        let which = &entry.name.path;
        match (entry.name.part, entry.member.kind) {
            (Part::Deleted, _) => self.delete(path, which),
            (Part::Snapshot, Kind::Directory) => self.directory(path, which, &entry.member),
            (Part::Snapshot, _) => self.special(path, which, &entry.member),
            _ => Err(wrong(which, "a delta of what is no file")),
        }
    }

    /// Finishes the tree. Returns how many objects are not what they were, because the user is
    /// not root, and how many are lost.
    pub(crate) fn finish(mut self) -> Result<(u64, u64), Failure> {
        self.cursor.finish()?;
        let lost = self.sweep()?;
        let unowned = self.unowned + self.cursor.unowned;
        if unowned > 0 {
            log::warn!("{unowned} objects could not be given their owner (root can do that)");
        }
        Ok((unowned + self.left_out, lost))
    }

    /// An entry that is not wanted. If it takes the place of a directory above what is wanted,
    /// that is gone.
    pub(crate) fn pass(&mut self, entry: &Entry) -> Result<(), Failure> {
        let stays = entry.name.part == Part::Snapshot && entry.member.kind == Kind::Directory;
        if stays || !self.wanted.starts_with(&entry.name.path) {
            return Ok(());
        }
        self.delete(&TreePath::root(), &entry.name.path)
    }

    fn delete(&mut self, path: &TreePath, which: &TreePath) -> Result<(), Failure> {
        // Where its directory is gone or has become something else, it is gone already.
        match self.cursor.parent(path)? {
            Some((parent, name)) => remove(parent, name).or_fail(Status::Failed, which),
            None => Ok(()),
        }
    }

    fn directory(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
    ) -> Result<(), Failure> {
        let attributes = Attributes::of(member, &mut self.owners);
        let (parent, name) = self.place(path, which)?;
        if !is_directory(parent, name) {
            remove(parent, name)
                .and_then(|()| rustix::fs::mkdirat(parent, name, Mode::RWXU))
                .or_fail(Status::Failed, which)?;
        }
        self.cursor.enter(path, Some(attributes))?;
        self.unmark(path)
    }

    fn write(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), Failure> {
        let attributes = Attributes::of(member, &mut self.owners);
        let (parent, name) = self.place(path, which)?;
        let mut file = match create(parent, name) {
            // In a full set nothing is there yet.
            Err(Errno::EXIST) => remove(parent, name).and_then(|()| create(parent, name)),
            created => created,
        }
        .or_fail(Status::Failed, which)?;
        let hash = copy(body, &mut file, which)?;
        check(which, &hash, body)?;
        let owned = attributes.set(&file).or_fail(Status::Failed, which)?;
        self.count(owned);
        Ok(())
    }

    fn patch(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), Failure> {
        let attributes = Attributes::of(member, &mut self.owners);
        let staging = self.cursor.staging()?;
        let staging = staging.as_fd();
        let (parent, name) = self.place(path, which)?;
        let Some(basis) = open_basis(parent, name).or_fail(Status::Failed, which)? else {
            return Err(wrong(which, "a delta, but the sets before have no such file"));
        };
        remove(staging, PATCHED).or_fail(Status::Failed, which)?;
        let mut file = create(staging, PATCHED).or_fail(Status::Failed, which)?;
        let mut patched = rsync::patch(&which.to_string(), basis, &mut *body)?;
        let hash = copy(&mut patched, &mut file, which)?;
        drop(patched);
        check(which, &hash, body)?;
        let owned = attributes.set(&file).or_fail(Status::Failed, which)?;
        rustix::fs::renameat(staging, PATCHED, parent, name).or_fail(Status::Failed, which)?;
        self.count(owned);
        Ok(())
    }

    fn special(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
    ) -> Result<(), Failure> {
        let attributes = Attributes::of(member, &mut self.owners);
        let (parent, name) = self.place(path, which)?;
        remove(parent, name).or_fail(Status::Failed, which)?;
        let made = match member.kind {
            Kind::Symlink => rustix::fs::symlinkat(member.link.as_slice(), parent, name),
            Kind::Fifo => make(parent, name, FileType::Fifo, member),
            Kind::CharDevice => make(parent, name, FileType::CharacterDevice, member),
            Kind::BlockDevice => make(parent, name, FileType::BlockDevice, member),
            _ => return Err(wrong(which, "an object of a kind that no backup has")),
        };
        if made == Err(Errno::PERM) && member.kind.is_device() {
            log::warn!("{which}: a device, left out (root can make it)");
            self.left_out += 1;
            return Ok(());
        }
        let has_mode = member.kind != Kind::Symlink;
        let owned = made.and_then(|()| attributes.set_at(parent, name, has_mode));
        self.count(owned.or_fail(Status::Failed, which)?);
        Ok(())
    }

    fn place<'p>(
        &mut self,
        path: &'p TreePath,
        which: &TreePath,
    ) -> Result<(BorrowedFd<'_>, &'p [u8]), Failure> {
        self.make_way(path)?;
        let place = self.cursor.parent(path)?;
        place.ok_or_else(|| wrong(which, "the directory that it was in is not in the backup"))
    }

    fn count(&mut self, owned: Owned) {
        self.unowned += u64::from(owned == Owned::No);
    }
}

fn wrong(which: &TreePath, why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("{which}: {why}"))
}

pub(crate) fn is_directory(parent: BorrowedFd<'_>, name: &[u8]) -> bool {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

fn create(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

/// Opens the file that a delta applies to; none where there is no regular file of that name.
fn open_basis(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<Option<File>> {
    let stat = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        stat => stat?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    if stat.st_mode & 0o400 == 0 {
        rustix::fs::chmodat(parent, name, Mode::RUSR, AtFlags::empty())?;
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty()).map(|file| Some(file.into()))
}

fn make(
    parent: BorrowedFd<'_>,
    name: &[u8],
    kind: FileType,
    member: &Member,
) -> rustix::io::Result<()> {
    let (major, minor) = member.device;
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(parent, name, kind, mode, makedev(major, minor))
}

/// Copies content, and returns its SHA-256 in hex.
fn copy(from: &mut impl Read, to: &mut File, which: &TreePath) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    // On the stack, since most files are small and there are many.
    let mut buffer = [0; BUFFER];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(format!("{:x}", hash.finalize())),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).or_fail(Status::Integrity, which),
        };
        hash.update(&buffer[..n]);
        to.write_all(&buffer[..n]).or_fail(Status::Failed, which)?;
    }
}

/// Checks content against the hash that was recorded when it was backed up. duplicity records
/// none.
fn check(which: &TreePath, hash: &str, body: &Entries) -> Result<(), Failure> {
    match body.facts().get(SHA256) {
        Some(recorded) if recorded != hash => {
            Err(wrong(which, "does not have the hash that it had when it was backed up"))
        }
        _ => Ok(()),
    }
}
