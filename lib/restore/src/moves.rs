//! Moving what has been built into a destination in which something is, one object after the other:
//! each is the old one or the new one at any moment.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use archive::TreePath;
use attributes::{Object, read};
use failure::{Failure, OrFail, Status, shown};
use rustix::fs::{RenameFlags, renameat, renameat_with};
use rustix::io::{Errno, Result};

use crate::cursor::open_directory;
use crate::doomed::Doomed;
use crate::kept::{CHANGED, Kept, Names, Role};
use crate::merge::{MOUNTED, MergeMode, Step, new_object, stays_mounted, step};
use crate::metadata::{Metadata, MetadataWarnings, Owners};
use crate::objects::{InodeId, NameAt, WritableDirectory, inspect, inspect_at, remove};
use crate::staging::{REPLACED, Staging};

/// The moves into one destination.
pub(crate) struct Moves<'a> {
    mode: MergeMode,
    /// The owners that objects get which are there.
    owners: Owners,
    staging: &'a Staging,
    path: PathBuf,
    /// The same below the destination.
    at: TreePath,
    kept: Kept,
    /// What is deleted in the end.
    doomed: Option<Doomed>,
    /// Visible changes so far.
    changes: u64,
    /// Directories that could not be given all their metadata.
    degraded: u64,
    /// What files that stay lack.
    warnings: MetadataWarnings,
}

impl Moves<'_> {
    /// Moves into the destination `path`.
    pub(crate) fn new<'a>(
        mode: MergeMode,
        owners: Owners,
        staging: &'a Staging,
        path: &Path,
    ) -> Moves<'a> {
        Moves {
            mode,
            owners,
            staging,
            path: path.to_owned(),
            at: TreePath::root(),
            kept: Kept::default(),
            doomed: None,
            changes: 0,
            degraded: 0,
            warnings: MetadataWarnings::default(),
        }
    }

    /// Objects that stay where they are, and only get their metadata.
    pub(crate) fn keeping(self, kept: Kept) -> Self {
        Self { kept, ..self }
    }

    /// Warns of what could not be given all its metadata. Returns how many objects that are.
    pub(crate) fn degraded(&self) -> u64 {
        if self.degraded > 0 {
            log::warn!(
                "{} existing directories have kept their owner or attributes",
                self.degraded
            );
        }
        self.degraded + self.warnings.report()
    }

    /// Moves a new object to its place, which the path names.
    pub(crate) fn object(&mut self, new: NameAt<'_>, old: NameAt<'_>) -> Result2<()> {
        let there = self.told(inspect_at(old.0, old.1))?;
        let coming = self.told(new_object(new))?;
        if there.is_none_or(|there| !there.is_directory()) && self.kept.take(&self.at)?.is_some() {
            return Err(self.failure(CHANGED));
        }
        match step(&coming, there.as_ref(), self.mode) {
            Step::Place => self.change(|_| place(new, old)),
            Step::Replace => self.change(|_| renameat(new.0, new.1, old.0, old.1)),
            Step::Exchange => self.change(|staging| exchange(staging, new, old)),
            Step::Enter => {
                let opened = self.told(WritableDirectory::open(old.0, old.1))?;
                self.directory(new, opened)
            }
            Step::Mounted => {
                let looked = WritableDirectory::open(new.0, new.1).and_then(|new| {
                    stays_mounted(
                        new.as_fd(),
                        WritableDirectory::open(old.0, old.1)?.as_fd(),
                        self.mode,
                    )
                });
                if self.told(looked)? { Ok(()) } else { Err(self.failure(MOUNTED)) }
            }
            Step::Blocked(why) => Err(self.failure(why)),
        }
    }

    /// Moves what is in a new directory into the open one that the path names, and gives that its
    /// metadata: at once, so that nobody enters it who must not, and again when its entries have
    /// changed its time.
    pub(crate) fn directory(&mut self, new: NameAt<'_>, mut old: WritableDirectory) -> Result2<()> {
        let opened = self.told(open_directory(new.0, new.1))?;
        let Some((directory, mut metadata)) = opened else {
            return Err(self.failure("is no directory any more"));
        };
        match self.kept.take(&self.at)? {
            Some(kept) => metadata = kept.metadata(&mut self.owners),
            None => metadata.extended = read(Object::Open(directory.as_fd())).ok(),
        }
        if !self.owners.are_given() {
            metadata = metadata.leaving_owner();
        }
        self.give(&metadata, &old)?;
        self.told(old.reopen())?;
        let id = self.told(inspect(&old))?.id;
        let there = self.mode.delete.then(|| old.as_fd());
        let mut names = self.told(Names::of(&self.at, directory.as_fd(), there))?;
        while let Some((name, role)) = names.next(&mut self.kept)? {
            // What is not known to stay would be deleted.
            if self.kept.is_broken() {
                return Err(self.failure(CHANGED));
            }
            self.path.push(OsStr::from_bytes(&name));
            self.at = self.at.child(&name);
            let there = (old.as_fd(), name.as_slice());
            match role {
                Role::New => self.object((directory.as_fd(), &name), there)?,
                Role::Kept => self.stay(there)?,
                Role::Other => self.doom(there, id)?,
            }
            self.at = self.at.parent().unwrap_or_default();
            self.path.pop();
        }
        if !self.give(&metadata, &old)? {
            self.degraded += 1;
        }
        old.keep_mode();
        Ok(())
    }

    /// Gives an object that stays its metadata.
    fn stay(&mut self, there: NameAt<'_>) -> Result2<()> {
        let Some(kept) = self.kept.take(&self.at)? else { return Ok(()) };
        cli::lifeline::check();
        match kept.give(there, &mut self.owners) {
            Ok(None) => {}
            Ok(Some(given)) => {
                self.warnings.add(&kept.path, given);
                self.changes += 1;
            }
            Err(Errno::STALE | Errno::NOENT | Errno::LOOP) => return Err(self.failure(CHANGED)),
            Err(error) => return self.told(Err(error)),
        }
        Ok(())
    }

    /// Deletes in the end what the backup does not have.
    fn doom(&mut self, there: NameAt<'_>, directory: InodeId) -> Result2<()> {
        let found = self.told(inspect_at(there.0, there.1))?;
        if found.is_none_or(|found| found.id == self.staging.id()) {
            return Ok(());
        }
        if self.doomed.is_none() {
            self.doomed = Some(Doomed::new(&self.staging.scratch()?)?);
        }
        self.doomed.iter_mut().try_for_each(|doomed| doomed.add(&self.at, directory))
    }

    /// Deletes below the destination what the backup does not have, when all else has been delivered.
    pub(crate) fn delete(&mut self, root: BorrowedFd<'_>) -> Result2<()> {
        let Some(doomed) = self.doomed.take() else { return Ok(()) };
        let destination = self.path.clone();
        doomed.delete(root, |path, delete| {
            self.path = destination.join(OsStr::from_bytes(path.as_bytes()));
            self.change(|_| delete())
        })
    }

    /// Gives a directory its metadata. False if its owner is another user, who keeps some of it.
    fn give(&mut self, metadata: &Metadata, directory: &WritableDirectory) -> Result2<bool> {
        match metadata.set(directory) {
            Err(Errno::PERM | Errno::ACCESS) => Ok(false),
            given => {
                let given = self.told(given)?;
                Ok(given.owner && given.attributes.is_ok())
            }
        }
    }

    /// A change of the destination that can be seen: all go through here.
    fn change(&mut self, change: impl FnOnce(&Staging) -> Result<()>) -> Result2<()> {
        cli::lifeline::check();
        self.told(change(self.staging))?;
        self.changes += 1;
        Ok(())
    }

    fn told<T>(&self, done: Result<T>) -> Result2<T> {
        let done = done.or_fail(Status::Failed, shown(&self.path));
        done.map_err(|failure| self.stand(failure.message()))
    }

    fn failure(&self, why: &str) -> Failure {
        self.stand(&format!("{}: {why}", shown(&self.path)))
    }

    /// A failure that says what stands.
    fn stand(&self, why: &str) -> Failure {
        let stands = match self.changes {
            0 => String::new(),
            1 => "; 1 object has been restored (run the same command again to finish)".into(),
            n => {
                format!("; {n} objects have been restored (run the same command again to finish)")
            }
        };
        Failure::new(Status::Failed, format!("{why}{stands}"))
    }
}

/// Gives a new object its name, which nothing has.
pub(crate) fn place(new: NameAt<'_>, old: NameAt<'_>) -> Result<()> {
    let rename = |flags| renameat_with(new.0, new.1, old.0, old.1, flags);
    let rename = || match rename(RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => rename(RenameFlags::empty()),
        renamed => renamed,
    };
    opened(new, rename)
}

/// Exchanges a new object for what is there, and deletes that.
fn exchange(staging: &Staging, new: NameAt<'_>, old: NameAt<'_>) -> Result<()> {
    let exchange = || renameat_with(new.0, new.1, old.0, old.1, RenameFlags::EXCHANGE);
    let is_directory = inspect_at(old.0, old.1)?.is_some_and(|there| there.is_directory());
    let exchange = || if is_directory { opened(old, exchange) } else { exchange() };
    match opened(new, exchange) {
        Err(Errno::INVAL | Errno::NOSYS) => replace(staging.as_fd(), new, old),
        exchanged => exchanged.and_then(|()| remove(new.0, new.1)),
    }
}

/// Takes the place of what is there where the file system can't exchange the two.
fn replace(staging: BorrowedFd<'_>, new: NameAt<'_>, old: NameAt<'_>) -> Result<()> {
    renameat(old.0, old.1, staging, REPLACED)?;
    place(new, old).inspect_err(|_| {
        let _ = renameat(staging, REPLACED, old.0, old.1);
    })?;
    remove(staging, REPLACED)
}

/// Renames an object that may be a directory: who is not root can move one elsewhere only while he
/// may write in it.
fn opened(object: NameAt<'_>, rename: impl Fn() -> Result<()>) -> Result<()> {
    match rename() {
        Err(Errno::ACCESS) => {}
        renamed => return renamed,
    }
    let Ok(_writable) = WritableDirectory::open(object.0, object.1) else {
        return Err(Errno::ACCESS);
    };
    rename()
}

type Result2<T> = std::result::Result<T, Failure>;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::trusted_path;

    #[test]
    fn a_tree_takes_the_place_of_another_where_they_cannot_be_exchanged() {
        let parent = tempfile::tempdir().unwrap();
        let opened = trusted_path::open(parent.path(), false).unwrap();
        let out = parent.path().join("out");
        fs::create_dir_all(out.join("old")).unwrap();
        let staging = Staging::make(opened.try_clone().unwrap(), parent.path(), OsStr::new("out"));
        let staging = staging.unwrap();
        fs::create_dir_all(staging.path().join("tree/new")).unwrap();
        replace(staging.as_fd(), (staging.as_fd(), b"tree"), (opened.as_fd(), b"out")).unwrap();
        assert!(out.join("new").exists() && !out.join("old").exists());
        drop(staging);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
