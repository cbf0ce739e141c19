//! Applying entries to the new tree.

use std::os::fd::{BorrowedFd, OwnedFd};

use archive::{Part, TreePath};
use rustix::fs::{AtFlags, FileType, Mode, makedev};
use rustix::io::Errno;
use stream::member::Kind;
use stream::{Failure, Member, OrFail, Status};

use crate::cursor::Cursor;
use crate::entries::{Entries, Entry};
use crate::marks::Marks;
use crate::metadata::Metadata;
use crate::owners::Owners;
use crate::remove::remove;

/// The tree that is being built.
pub(crate) struct Tree {
    pub(crate) cursor: Cursor,
    pub(crate) owners: Owners,
    /// What of the backup is wanted; it becomes the root of the tree.
    pub(crate) wanted: TreePath,
    /// What stands in the tree for what is lost; none for who does not go on past damage.
    pub(crate) marks: Option<Marks>,
}

impl Tree {
    pub(crate) fn new(
        staging: OwnedFd,
        wanted: TreePath,
        keep_going: bool,
        owners: Owners,
    ) -> Tree {
        let marks = keep_going.then(Marks::new);
        Tree { cursor: Cursor::new(staging), owners, wanted, marks }
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
        Ok((self.cursor.shortfall.tell(), lost))
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
        let mut metadata = Metadata::of(member, &mut self.owners);
        let (parent, name) = self.place(path, which)?;
        if !is_directory(parent, name) {
            metadata = metadata.of_new();
            remove(parent, name)
                .and_then(|()| rustix::fs::mkdirat(parent, name, Mode::RWXU))
                .or_fail(Status::Failed, which)?;
        }
        self.cursor.enter(path, Some(metadata))?;
        self.unmark(path)
    }

    fn special(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
    ) -> Result<(), Failure> {
        let metadata = Metadata::of(member, &mut self.owners).of_new();
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
            self.cursor.shortfall.add_device(which);
            return Ok(());
        }
        let has_mode = member.kind != Kind::Symlink;
        let given = made.and_then(|()| metadata.set_at(parent, name, has_mode));
        self.cursor.shortfall.add(which, given.or_fail(Status::Failed, which)?);
        Ok(())
    }

    pub(crate) fn place<'p>(
        &mut self,
        path: &'p TreePath,
        which: &TreePath,
    ) -> Result<(BorrowedFd<'_>, &'p [u8]), Failure> {
        self.make_way(path)?;
        let place = self.cursor.parent(path)?;
        place.ok_or_else(|| wrong(which, "the directory that it was in is not in the backup"))
    }
}

pub(crate) fn wrong(which: &TreePath, why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("{which}: {why}"))
}

pub(crate) fn is_directory(parent: BorrowedFd<'_>, name: &[u8]) -> bool {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
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
