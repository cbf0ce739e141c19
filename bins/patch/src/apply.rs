//! Applying entries to the new tree.

use std::os::fd::{BorrowedFd, OwnedFd};

use archive::{Part, TreePath};
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, FileType, Mode, makedev};
use rustix::io::Errno;
use stream::Member;
use stream::member::Kind;

use crate::cursor::Cursor;
use crate::entries::{Entries, Entry};
use crate::left_out::{LeftOut, OrLeaveOut, Trouble};
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
    /// What the file system can't hold.
    pub(crate) left_out: LeftOut,
}

impl Tree {
    pub(crate) fn new(
        staging: OwnedFd,
        wanted: TreePath,
        keep_going: bool,
        owners: Owners,
    ) -> Result<Tree, Failure> {
        let marks = keep_going.then(Marks::new);
        let cursor = Cursor::new(staging)?;
        Ok(Tree { cursor, owners, wanted, marks, left_out: LeftOut::default() })
    }

    /// Applies an entry, if it is wanted; `body` is where its content comes from.
    pub(crate) fn apply(&mut self, entry: &Entry, body: &mut Entries) -> Result<(), Failure> {
        let Some(path) = entry.name.path.strip_prefix(&self.wanted) else {
            return self.pass(entry);
        };
        let which = &entry.name.path;
        let done = match (entry.name.part, entry.member.kind) {
            (Part::Diff, Kind::File) => self.patch(&path, which, &entry.member, body),
            (Part::Snapshot, Kind::File) => self.write(&path, which, &entry.member, body),
            _ => self.bodiless(&path, entry),
        };
        self.note(&path, entry, done)
    }

    /// Applies an entry that has no content.
    pub(crate) fn apply_bodiless(&mut self, path: &TreePath, entry: &Entry) -> Result<(), Failure> {
        let done = self.bodiless(path, entry);
        self.note(path, entry, done)
    }

    fn bodiless(&mut self, path: &TreePath, entry: &Entry) -> Result<(), Trouble> {
        let which = &entry.name.path;
        match (entry.name.part, entry.member.kind) {
            (Part::Deleted, _) => self.delete(path, which),
            (Part::Snapshot, Kind::Directory) => self.directory(path, which, &entry.member),
            (Part::Snapshot, _) => self.special(path, which, &entry.member),
            _ => Err(wrong(which, "a delta to an object that is not a file").into()),
        }
    }

    /// Notes whether an entry is left out.
    fn note(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        done: Result<(), Trouble>,
    ) -> Result<(), Failure> {
        let which = &entry.name.path;
        let is_directory = entry.member.kind == Kind::Directory;
        match done {
            Ok(()) => {
                let stays = entry.name.part == Part::Snapshot && is_directory;
                self.left_out.restored(which, stays);
            }
            Err(Trouble::LeftOut(why)) => {
                self.cursor.note(path.file_name().unwrap_or_default(), false);
                // A directory that was left out before keeps its count.
                if !is_directory || !self.left_out.holds(which) {
                    self.left_out.add(which, why);
                }
            }
            Err(Trouble::Failed(failure)) => return Err(failure),
        }
        Ok(())
    }

    /// Finishes the tree. Returns how many objects are not what they were, because the user is
    /// not root or the file system can't hold that, and how many are lost.
    pub(crate) fn finish(mut self) -> Result<(u64, u64), Failure> {
        self.cursor.finish()?;
        let lost = self.sweep()?;
        let left_out = self.left_out.tell();
        Ok((self.cursor.shortfall.tell() + left_out, lost))
    }

    /// An entry that is not wanted. If it takes the place of a directory above what is wanted,
    /// that is gone.
    pub(crate) fn pass(&mut self, entry: &Entry) -> Result<(), Failure> {
        let stays = entry.name.part == Part::Snapshot && entry.member.kind == Kind::Directory;
        if stays || !self.wanted.starts_with(&entry.name.path) {
            return Ok(());
        }
        let done = self.delete(&TreePath::root(), &entry.name.path);
        self.note(&TreePath::root(), entry, done)
    }

    fn delete(&mut self, path: &TreePath, which: &TreePath) -> Result<(), Trouble> {
        if self.cursor.is_too_deep(path) || self.cursor.is_taken(path)? {
            return Ok(());
        }
        // Where its directory is gone or has become something else, it is gone already.
        let Some((parent, name)) = self.cursor.parent(path)? else {
            return Ok(());
        };
        remove(parent, name).or_fail(Status::Failed, which)?;
        self.cursor.note(name, false);
        Ok(())
    }

    fn directory(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
    ) -> Result<(), Trouble> {
        let mut metadata = Metadata::of(member, &mut self.owners);
        let (parent, name) = self.place(path, which)?;
        if !is_directory(parent, name) {
            metadata = metadata.of_new();
            remove_if_held(parent, name).or_fail(Status::Failed, which)?;
            rustix::fs::mkdirat(parent, name, Mode::RWXU).or_leave_out(which)?;
        }
        self.cursor.enter(path, Some(metadata))?;
        Ok(self.unmark(path)?)
    }

    fn special(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
    ) -> Result<(), Trouble> {
        let metadata = Metadata::of(member, &mut self.owners).of_new();
        let (parent, name) = self.place(path, which)?;
        remove_if_held(parent, name).or_fail(Status::Failed, which)?;
        let made = match member.kind {
            Kind::Symlink => rustix::fs::symlinkat(member.link.as_slice(), parent, name),
            Kind::Fifo => make(parent, name, FileType::Fifo, member),
            Kind::CharDevice => make(parent, name, FileType::CharacterDevice, member),
            Kind::BlockDevice => make(parent, name, FileType::BlockDevice, member),
            _ => return Err(wrong(which, "an object of a kind that no backup contains").into()),
        };
        let what = word(member.kind);
        if made.is_err() {
            // exFAT by FUSE makes a file of what it then refuses to have made.
            remove_if_held(parent, name).or_fail(Status::Failed, which)?;
        }
        match made {
            Ok(()) => {}
            Err(Errno::PERM) if member.kind.is_device() => {
                self.cursor.shortfall.add_device(which);
                return Ok(());
            }
            Err(Errno::NAMETOOLONG | Errno::ILSEQ | Errno::NOENT) => made.or_leave_out(which)?,
            // What file systems say that have no such objects differs widely.
            Err(
                Errno::PERM
                | Errno::OPNOTSUPP
                | Errno::NOSYS
                | Errno::INVAL
                | Errno::IO
                | Errno::ACCESS,
            ) => return Err(Trouble::LeftOut(format!("the file system can't hold {what}"))),
            Err(_) => made.or_fail(Status::Failed, which)?,
        }
        let has_mode = member.kind != Kind::Symlink;
        let given = metadata.set_at(parent, name, has_mode);
        self.cursor.shortfall.add(which, given.or_fail(Status::Failed, which)?);
        Ok(())
    }

    /// The directory that a path is in, and the name there, which is about to be given.
    pub(crate) fn place<'p>(
        &mut self,
        path: &'p TreePath,
        which: &TreePath,
    ) -> Result<(BorrowedFd<'_>, &'p [u8]), Trouble> {
        if self.cursor.is_too_deep(path) {
            return Err(Trouble::LeftOut(TOO_DEEP.to_owned()));
        }
        self.make_way(path)?;
        if self.cursor.is_taken(path)? {
            return Err(Trouble::LeftOut(TAKEN.to_owned()));
        }
        if self.cursor.is_altered(path)? {
            return Err(Trouble::LeftOut(ALTERED.to_owned()));
        }
        if self.cursor.parent(path)?.is_none() {
            return Err(if self.left_out.may_hold(which) {
                Trouble::LeftOut("its directory is not restored".to_owned())
            } else {
                wrong(which, NO_DIRECTORY).into()
            });
        }
        if let Some(name) = path.file_name() {
            self.cursor.note(name, true);
        }
        let place = self.cursor.parent(path)?;
        place.ok_or_else(|| wrong(which, NO_DIRECTORY).into())
    }
}

/// Why an entry is left out.
pub(crate) const TOO_DEEP: &str = "more nested directories than can be open at once";
const TAKEN: &str = "the file system does not distinguish its name from that of another entry";
/// An object whose name would change counts as not restored either.
pub(crate) const ALTERED: &str = "the file system would give it another name";
const NO_DIRECTORY: &str = "its directory is not in the backup";

/// An object as messages call it.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Symlink => "a symbolic link",
        Kind::Fifo => "a named pipe",
        _ => "a device",
    }
}

/// Removes whatever has that name. A name that the file system does not allow is nobody's.
pub(crate) fn remove_if_held(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    match remove(parent, name) {
        Err(Errno::INVAL | Errno::NAMETOOLONG | Errno::ILSEQ) => Ok(()),
        removed => removed,
    }
}

pub(crate) fn wrong(which: &TreePath, why: &str) -> Failure {
    Failure::of(Status::Integrity, which, why)
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
