//! The first look at a destination in which something is: what is in the way of the new tree is
//! found before anything is moved.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status};
use rustix::fs::Dir;
use rustix::io::Result;

use crate::entered::Entered;
use crate::look::{self, Id};
use crate::merge::{self, MOUNTED, Mode, Place, Step, fixed, step};
use crate::remove::DEEPEST;

/// Obstacles that are named; more are counted.
const MOST_NAMED: usize = 20;

/// What has been found so far.
pub(crate) struct Obstacles {
    mode: Mode,
    /// The staging folder, which may be in the destination.
    staging: Id,
    path: PathBuf,
    depth: usize,
    named: Vec<String>,
    count: u64,
}

impl Obstacles {
    /// Those in the destination `path`.
    pub(crate) fn new(mode: Mode, staging: Id, path: &Path) -> Obstacles {
        Obstacles { mode, staging, path: path.to_owned(), depth: 0, named: Vec::new(), count: 0 }
    }

    /// Looks at what is in the place of a new object, which is the one that the path names.
    pub(crate) fn object(&mut self, new: Place<'_>, old: Place<'_>) {
        let looked = self.try_object(new, old);
        self.note(looked);
    }

    /// Looks at the directory that the path names, into which what is in a new one is to go.
    pub(crate) fn directories(&mut self, new: BorrowedFd<'_>, old: BorrowedFd<'_>) {
        let looked = self.try_directories(new, old);
        self.note(looked);
    }

    /// Fails if anything is in the way. Nothing has been changed then.
    pub(crate) fn finish(self, destination: &Path) -> std::result::Result<(), Failure> {
        match (self.count, self.named.first()) {
            (0, _) | (_, None) => Ok(()),
            (1, Some(only)) => Err(Failure::new(Status::Usage, only.clone())),
            (count, _) => {
                self.named.iter().for_each(|obstacle| log::warn!("{obstacle}"));
                let which = destination.display();
                let named = self.named.len();
                let all = if count > named as u64 {
                    format!(", of which {named} are named above")
                } else {
                    String::new()
                };
                let why = format!("{which}: {count} objects are in the way{all}; nothing changed");
                Err(Failure::new(Status::Usage, why))
            }
        }
    }

    fn try_object(&mut self, new: Place<'_>, old: Place<'_>) -> Result<()> {
        let there = look::at(old.0, old.1)?;
        match step(&merge::new(new)?, there.as_ref(), self.mode) {
            Step::Place | Step::Replace => Ok(()),
            Step::Exchange => self.try_doomed(old),
            Step::Enter => {
                let (new, old) = (Entered::open(new.0, new.1)?, Entered::open(old.0, old.1)?);
                self.try_directories(new.as_fd(), old.as_fd())
            }
            Step::Mounted => {
                let (new, old) = (Entered::open(new.0, new.1)?, Entered::open(old.0, old.1)?);
                if stays_mounted(new.as_fd(), old.as_fd(), self.mode)? {
                    return Ok(());
                }
                self.blocked(MOUNTED);
                Ok(())
            }
            Step::Blocked(why) => {
                self.blocked(why);
                Ok(())
            }
        }
    }

    fn try_directories(&mut self, new: BorrowedFd<'_>, old: BorrowedFd<'_>) -> Result<()> {
        if let Some(why) = look::open(old)?.locked {
            self.blocked(why);
            return Ok(());
        }
        self.each(new, |obstacles, name| obstacles.try_object((new, name), (old, name)))?;
        if !self.mode.delete {
            return Ok(());
        }
        self.each(old, |obstacles, name| match look::at(new, name)? {
            Some(_) => Ok(()),
            None => obstacles.try_doomed((old, name)),
        })
    }

    /// Looks at what is to be deleted.
    fn try_doomed(&mut self, (parent, name): Place<'_>) -> Result<()> {
        let Some(there) = look::at(parent, name)? else { return Ok(()) };
        if there.id == self.staging {
            return Ok(());
        }
        if let Some(why) = fixed(&there) {
            self.blocked(why);
            return Ok(());
        }
        if !there.is_directory() {
            return Ok(());
        }
        let directory = Entered::open(parent, name)?;
        self.each(directory.as_fd(), |obstacles, name| {
            obstacles.try_doomed((directory.as_fd(), name))
        })
    }

    /// Goes through the names in a directory.
    fn each(
        &mut self,
        directory: BorrowedFd<'_>,
        look: impl FnMut(&mut Obstacles, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if self.depth == DEEPEST {
            self.blocked("too many directories in one another");
            return Ok(());
        }
        self.depth += 1;
        let looked = self.each_name(directory, look);
        self.depth -= 1;
        looked
    }

    fn each_name(
        &mut self,
        directory: BorrowedFd<'_>,
        mut look: impl FnMut(&mut Obstacles, &[u8]) -> Result<()>,
    ) -> Result<()> {
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            self.path.push(OsStr::from_bytes(name));
            let looked = look(self, name);
            self.note(looked);
            self.path.pop();
        }
        Ok(())
    }

    fn note(&mut self, looked: Result<()>) {
        if let Err(failure) = looked.or_fail(Status::Usage, self.path.display()) {
            self.name(failure.message().to_owned());
        }
    }

    fn blocked(&mut self, why: &str) {
        self.name(format!("{}: {why}", self.path.display()));
    }

    fn name(&mut self, obstacle: String) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(obstacle);
        }
    }
}

/// Whether nothing has to be done in a mounted file system: it is not crossed.
pub(crate) fn stays_mounted(new: BorrowedFd<'_>, old: BorrowedFd<'_>, mode: Mode) -> Result<bool> {
    Ok(is_empty(new)? && (!mode.delete || is_empty(old)?))
}

/// Whether a directory has no entries.
pub(crate) fn is_empty(directory: BorrowedFd<'_>) -> Result<bool> {
    for entry in Dir::read_from(directory)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}
