//! Applying entries to the new tree.

use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use archive::{Part as EntryPart, TreePath};
use cli::legible;
use failure::{Failure, OrFail, Status};
use progress::Events;
use rustix::fs::{AtFlags, FileType, Mode, makedev};
use rustix::io::Errno;
use selection::Part;
use stream::Member;
use stream::member::Kind;

use crate::cursor::Cursor;
use crate::entries::{Entries, Entry, Event};
use crate::metadata::{Metadata, Owners};
use crate::objects::remove;
use crate::planned::Planned;
use crate::skipped::SkippedEntries;
use crate::staging::TREE;
use crate::tombstones::Tombstones;

/// The tree that is being built.
pub(crate) struct Tree {
    pub(crate) cursor: Cursor,
    pub(crate) owners: Owners,
    /// The path in the backup that becomes the root of the tree.
    pub(crate) wanted: TreePath,
    /// What of it is restored.
    pub(crate) part: Part,
    /// With `--keep-going`: what stands in the tree for what is lost.
    pub(crate) tombstones: Option<Tombstones>,
    /// What of the tree is there already.
    pub(crate) planned: Option<Planned>,
    /// Entries that the file system can't hold.
    pub(crate) skipped: SkippedEntries,
    /// Who follows the restore.
    events: Events,
}

impl Tree {
    pub(crate) fn new(
        staging: OwnedFd,
        part: Part,
        keep_going: bool,
        owners: Owners,
    ) -> Result<Tree, Failure> {
        let wanted = part.path().clone();
        let tombstones = keep_going.then(Tombstones::new);
        let cursor = Cursor::new(staging)?;
        let (skipped, events) = (SkippedEntries::default(), Events::find());
        Ok(Tree { cursor, owners, wanted, part, tombstones, planned: None, skipped, events })
    }

    /// Applies what comes next. With `--keep-going`, a tombstone takes the place of an entry that is
    /// damaged.
    pub(crate) fn take(&mut self, event: Event, body: &mut Entries) -> Result<(), Failure> {
        let entry = match event {
            Event::Entry(entry) => entry,
            Event::Loss(loss) => return self.lose(&loss),
        };
        let applied = self.apply(&entry, body);
        match applied {
            Err(failure) if self.tombstones.is_some() && !body.is_broken() => {
                self.bury(&entry.name.path, failure)
            }
            applied => applied,
        }
    }

    /// Applies an entry, if it is wanted; `body` is where its content comes from.
    pub(crate) fn apply(&mut self, entry: &Entry, body: &mut Entries) -> Result<(), Failure> {
        if self.passes_over(entry)? {
            return Ok(());
        }
        let Some(path) = entry.name.path.strip_prefix(&self.wanted) else {
            return self.skip_unwanted(entry);
        };
        if !self.selects(entry)? {
            return self.leave_out(&path, entry);
        }
        let done = match (entry.name.part, entry.member.kind) {
            (EntryPart::Diff | EntryPart::Snapshot, Kind::File) => self.file(&path, entry, body),
            _ => self.apply_kind(&path, entry),
        };
        self.record(&path, entry, done)
    }

    /// Applies an entry that has no content.
    pub(crate) fn apply_bodiless(&mut self, path: &TreePath, entry: &Entry) -> Result<(), Failure> {
        let done = self.apply_kind(path, entry);
        self.record(path, entry, done)
    }

    fn apply_kind(&mut self, path: &TreePath, entry: &Entry) -> Result<(), ApplyError> {
        let which = &entry.name.path;
        match (entry.name.part, entry.member.kind) {
            (EntryPart::Deleted, _) => self.delete(path, which),
            (EntryPart::Snapshot, Kind::Directory) => self.directory(path, which, &entry.member),
            (EntryPart::Snapshot, _) => self.special(path, which, &entry.member),
            _ => Err(wrong(which, "a delta to an object that is not a file").into()),
        }
    }

    /// Records whether an entry was restored or skipped.
    pub(crate) fn record(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        done: Result<(), ApplyError>,
    ) -> Result<(), Failure> {
        let which = &entry.name.path;
        let is_directory = entry.member.kind == Kind::Directory;
        match done {
            Ok(()) => {
                let stays = entry.name.part == EntryPart::Snapshot && is_directory;
                self.skipped.restored(which, stays);
                if entry.name.part != EntryPart::Deleted {
                    let kind = legible::kind(entry.member.kind).to_owned();
                    self.events.entry(which, |path| progress::Event::Written { path, kind });
                }
            }
            Err(ApplyError::Skipped(why)) => {
                self.cursor.note(path.file_name().unwrap_or_default(), false);
                // A directory that was skipped before keeps its count.
                match is_directory {
                    true if self.skipped.holds(which) => {}
                    true => self.skipped.add_directory(which, why),
                    false => self.skipped.add(which, why),
                }
            }
            Err(ApplyError::Failed(failure)) => return Err(failure),
        }
        Ok(())
    }

    /// Finishes the tree. Returns how many objects are not what they were, because the user is
    /// not root or the file system can't hold that, and how many are lost.
    pub(crate) fn finish(mut self) -> Result<(u64, u64), Failure> {
        self.complete()?;
        self.cursor.finish()?;
        let staging = self.cursor.staging()?;
        let lost = match self.tombstones.as_ref().filter(|tombstones| tombstones.used()) {
            Some(tombstones) => tombstones.sweep((staging.as_fd(), TREE), &self.wanted)?,
            None => 0,
        };
        self.finish_selection()?;
        let skipped = self.skipped.report();
        Ok((self.cursor.warnings.report() + skipped, lost))
    }

    /// Handles an entry outside the wanted path. If it replaces a directory above the wanted path, what
    /// is below is deleted.
    pub(crate) fn skip_unwanted(&mut self, entry: &Entry) -> Result<(), Failure> {
        let stays = entry.name.part == EntryPart::Snapshot && entry.member.kind == Kind::Directory;
        if stays || !self.wanted.starts_with(&entry.name.path) {
            return Ok(());
        }
        let done = self.delete(&TreePath::root(), &entry.name.path);
        self.record(&TreePath::root(), entry, done)
    }

    pub(crate) fn delete(&mut self, path: &TreePath, which: &TreePath) -> Result<(), ApplyError> {
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

    pub(crate) fn directory(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
    ) -> Result<(), ApplyError> {
        let mut metadata = Metadata::of(member, &mut self.owners);
        let (parent, name) = self.place(path, which)?;
        if !is_directory(parent, name) {
            metadata = metadata.of_new();
            remove_if_held(parent, name).or_fail(Status::Failed, which)?;
            rustix::fs::mkdirat(parent, name, Mode::RWXU).or_skip(which)?;
        }
        self.cursor.enter(path, Some(metadata))?;
        if self.tombstones.is_some() {
            self.unmark(path)?;
        }
        Ok(())
    }

    pub(crate) fn special(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
    ) -> Result<(), ApplyError> {
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
        let what = kind_name(member.kind);
        if made.is_err() {
            // exFAT by FUSE makes a file of what it then refuses to have made.
            remove_if_held(parent, name).or_fail(Status::Failed, which)?;
        }
        match made {
            Ok(()) => {}
            Err(Errno::PERM) if member.kind.is_device() => {
                self.cursor.warnings.add_device(which);
                return Ok(());
            }
            Err(Errno::NAMETOOLONG | Errno::ILSEQ | Errno::NOENT) => made.or_skip(which)?,
            // File systems without such objects report very different errors.
            Err(
                Errno::PERM
                | Errno::OPNOTSUPP
                | Errno::NOSYS
                | Errno::INVAL
                | Errno::IO
                | Errno::ACCESS,
            ) => return Err(ApplyError::Skipped(format!("the file system can't hold {what}"))),
            Err(_) => made.or_fail(Status::Failed, which)?,
        }
        let has_mode = member.kind != Kind::Symlink;
        let given = metadata.set_at(parent, name, has_mode);
        self.cursor.warnings.add(which, given.or_fail(Status::Failed, which)?);
        Ok(())
    }

    /// The directory that is to hold `path`, and the name there. `which` is the path in the backup.
    pub(crate) fn place<'p>(
        &mut self,
        path: &'p TreePath,
        which: &TreePath,
    ) -> Result<(BorrowedFd<'_>, &'p [u8]), ApplyError> {
        if self.cursor.is_too_deep(path) {
            return Err(ApplyError::Skipped(TOO_DEEP.to_owned()));
        }
        if self.tombstones.is_some() || self.planned.is_some() {
            self.make_way(path)?;
        }
        if self.cursor.is_taken(path)? {
            return Err(ApplyError::Skipped(TAKEN.to_owned()));
        }
        if self.cursor.is_altered(path)? {
            return Err(ApplyError::Skipped(ALTERED.to_owned()));
        }
        if self.cursor.parent(path)?.is_none() {
            return Err(if self.skipped.may_hold(which) {
                ApplyError::Skipped("its directory is not restored".to_owned())
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

/// Why an entry is not in the tree.
#[derive(Debug)]
pub(crate) enum ApplyError {
    /// It is skipped, for this reason; the restore continues with the next one.
    Skipped(String),
    /// The restore fails.
    Failed(Failure),
}

impl From<Failure> for ApplyError {
    fn from(failure: Failure) -> ApplyError {
        ApplyError::Failed(failure)
    }
}

/// Distinguishes the limits of a file system from failures.
pub(crate) trait OrSkip<T> {
    /// Turns an error into `Skipped` if the file system can't hold the entry, else into `Failed`.
    fn or_skip(self, which: impl Display) -> Result<T, ApplyError>;
}

impl<T> OrSkip<T> for io::Result<T> {
    fn or_skip(self, which: impl Display) -> Result<T, ApplyError> {
        self.map_err(|error| match Errno::from_io_error(&error).and_then(limit) {
            Some(why) => ApplyError::Skipped(why.to_owned()),
            None => match Err::<(), _>(error).or_fail(Status::Failed, which) {
                Err(failure) => ApplyError::Failed(failure),
                Ok(()) => ApplyError::Skipped(String::new()),
            },
        })
    }
}

impl<T> OrSkip<T> for rustix::io::Result<T> {
    fn or_skip(self, which: impl Display) -> Result<T, ApplyError> {
        self.map_err(io::Error::from).or_skip(which)
    }
}

/// Why a file system can't hold an object, by the error that it reports; none for other errors.
fn limit(error: Errno) -> Option<&'static str> {
    match error {
        // exFAT by FUSE finds no entry of a name that it refuses to make.
        Errno::INVAL | Errno::ILSEQ | Errno::NOENT => {
            Some("the file system does not allow its name")
        }
        Errno::NAMETOOLONG => Some("its name is too long for the file system"),
        Errno::FBIG => Some("it is too large for the file system"),
        Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS => Some("the file system can't hold it"),
        _ => None,
    }
}

/// Why an entry is skipped.
pub(crate) const TOO_DEEP: &str = "more nested directories than can be open at once";
const TAKEN: &str = "the file system does not distinguish its name from that of another entry";
/// An object whose name would change counts as not restored either.
pub(crate) const ALTERED: &str = "the file system would give it another name";
const NO_DIRECTORY: &str = "its directory is not in the backup";

/// The kind of an object in messages.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Symlink => "a symbolic link",
        Kind::Fifo => "a named pipe",
        _ => "a device",
    }
}

/// Deletes the object of that name, if there is one. No object has a name that the file system does
/// not allow.
pub(crate) fn remove_if_held(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    match remove(parent, name) {
        Err(Errno::INVAL | Errno::NAMETOOLONG | Errno::ILSEQ) => Ok(()),
        removed => removed,
    }
}

/// The failure of an entry that contradicts the sets before it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_limit_of_the_file_system() {
        let error = Err::<(), _>(Errno::NOSPC).or_skip("x");
        assert!(matches!(error, Err(ApplyError::Failed(_))));
        let error = Err::<(), _>(Errno::FBIG).or_skip("x");
        assert!(matches!(error, Err(ApplyError::Skipped(_))));
    }
}
