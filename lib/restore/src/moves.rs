//! Moving what has been built into a destination in which something is, one object after the other:
//! each is the old one or the new one at any moment.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use attributes::{Object, read};
use failure::{Failure, OrFail, Status, shown};
use rustix::fs::{Dir, RenameFlags, renameat, renameat_with};
use rustix::io::{Errno, Result};

use crate::cursor::open_directory;
use crate::merge::{MOUNTED, MergeMode, Step, new_object, stays_mounted, step};
use crate::metadata::Metadata;
use crate::objects::{NameAt, ObjectInfo, WritableDirectory, inspect_at, remove};
use crate::staging::{REPLACED, Staging};

/// The moves into one destination.
pub(crate) struct Moves<'a> {
    mode: MergeMode,
    /// Whether directories that are there get the owners of the backup.
    gives_owners: bool,
    staging: &'a Staging,
    path: PathBuf,
    /// Visible changes so far.
    changes: u64,
    /// Directories that could not be given all their metadata.
    degraded: u64,
}

impl Moves<'_> {
    /// Moves into the destination `path`.
    pub(crate) fn new<'a>(
        mode: MergeMode,
        gives_owners: bool,
        staging: &'a Staging,
        path: &Path,
    ) -> Moves<'a> {
        let path = path.to_owned();
        Moves { mode, gives_owners, staging, path, changes: 0, degraded: 0 }
    }

    /// Directories that could not be given all their metadata.
    pub(crate) fn degraded(&self) -> u64 {
        self.degraded
    }

    /// Moves a new object to its place, which the path names.
    pub(crate) fn object(&mut self, new: NameAt<'_>, old: NameAt<'_>) -> Result2<()> {
        let there = self.told(inspect_at(old.0, old.1))?;
        let coming = self.told(new_object(new))?;
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
        metadata.extended = read(Object::Open(directory.as_fd())).ok();
        if !self.gives_owners {
            metadata = metadata.leaving_owner();
        }
        self.give(&metadata, &old)?;
        self.told(old.reopen())?;
        if self.mode.delete {
            self.delete(directory.as_fd(), old.as_fd())?;
        }
        self.each(directory.as_fd(), |moves, name| {
            moves.object((directory.as_fd(), name), (old.as_fd(), name))
        })?;
        if !self.give(&metadata, &old)? {
            self.degraded += 1;
        }
        old.keep_mode();
        Ok(())
    }

    /// Deletes what the new directory does not have.
    fn delete(&mut self, new: BorrowedFd<'_>, old: BorrowedFd<'_>) -> Result2<()> {
        let staging = self.staging.id();
        self.each(old, |moves, name| {
            let spared = inspect_at(new, name).and_then(|kept| {
                let there = if kept.is_none() { inspect_at(old, name)? } else { None };
                Ok(there.is_none_or(|there: ObjectInfo| there.id == staging))
            });
            if moves.told(spared)? { Ok(()) } else { moves.change(|_| remove(old, name)) }
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

    /// Goes through the names in a directory.
    fn each(
        &mut self,
        directory: BorrowedFd<'_>,
        mut act: impl FnMut(&mut Self, &[u8]) -> Result2<()>,
    ) -> Result2<()> {
        let entries = self.told(Dir::read_from(directory))?;
        for entry in entries {
            let entry = self.told(entry)?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                self.path.push(OsStr::from_bytes(name));
                act(self, name)?;
                self.path.pop();
            }
        }
        Ok(())
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
