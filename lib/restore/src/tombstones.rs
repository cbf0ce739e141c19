//! Tombstones: what stands in the tree for what is lost, until the tree is whole.
//!
//! A tombstone is a symbolic link with a target that no backup can know, or a file with that content
//! where there are no symbolic links. So an entry of a later set takes its place as that of any
//! object, and how much is lost takes no memory.

use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd, BorrowedFd};

use archive::TreePath;
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, Mode, OFlags, openat, readlinkat, statat, symlinkat, unlinkat};
use rustix::io::{Errno, Result, read, write};

use crate::cursor::{names, open_directory};
use crate::objects::{NameAt, remove};
use crate::set_metadata::Loss;

/// Bytes of a reason that are kept: a link takes 4095.
const LONGEST: usize = 1000;

/// The tombstones of one restore.
pub(crate) struct Tombstones {
    token: String,
    used: bool,
    /// Whether some are files.
    files: bool,
}

impl Tombstones {
    pub(crate) fn new() -> Tombstones {
        let random = || RandomState::new().hash_one(0);
        Tombstones {
            token: format!(".lost-{:016x}{:016x}", random(), random()),
            used: false,
            files: false,
        }
    }

    /// The name of the tombstone in a directory that is itself lost, though something in it is not.
    pub(crate) fn name(&self) -> &[u8] {
        self.token.as_bytes()
    }

    /// Whether there are any.
    pub(crate) fn used(&self) -> bool {
        self.used
    }

    /// Puts a tombstone in place of whatever is there; an older one stays.
    pub(crate) fn put(&mut self, parent: BorrowedFd<'_>, name: &[u8], why: &str) -> Result<()> {
        if self.read(parent, name)?.is_some() {
            return Ok(());
        }
        self.used = true;
        let most = (0..=LONGEST).rev().find(|at| why.is_char_boundary(*at)).unwrap_or(0);
        let target = format!("{} {}", self.token, why.get(..most).unwrap_or(why));
        remove(parent, name)?;
        match symlinkat(target.as_str(), parent, name) {
            Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::IO) => {
                self.files = true;
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let file = openat(parent, name, flags, Mode::RUSR | Mode::WUSR)?;
                // It is shorter than what any file system writes at once.
                write(file, target.as_bytes()).map(drop)
            }
            made => made,
        }
    }

    /// Why what was there is lost; none where it is no tombstone.
    pub(crate) fn read(&self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<Option<String>> {
        let target = match readlinkat(parent, name, Vec::new()) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if self.files => {
                content(parent, name)?
            }
            Err(Errno::INVAL | Errno::NOENT | Errno::NOSYS | Errno::OPNOTSUPP) => return Ok(None),
            target => target?.into_bytes(),
        };
        let target = String::from_utf8_lossy(&target);
        Ok(target.strip_prefix(&self.token).map(|why| why.trim_start().to_owned()))
    }

    /// Deletes a tombstone, if there is one.
    pub(crate) fn remove(&self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
        match self.read(parent, name)? {
            Some(_) => unlinkat(parent, name, AtFlags::empty()),
            None => Ok(()),
        }
    }

    /// Puts a tombstone in place of all objects that may have been in what is lost.
    pub(crate) fn bury_all(
        &mut self,
        loss: &Loss,
        why: &str,
        (parent, name): NameAt<'_>,
        path: &TreePath,
    ) -> Outcome<()> {
        let opened = open_directory(parent, name).or_fail(Status::Failed, path)?;
        let Some((directory, metadata)) = opened else {
            let there = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
            if there && loss.holds(path) {
                self.put(parent, name, why).or_fail(Status::Failed, path)?;
            }
            return Ok(());
        };
        if loss.reaches(path) {
            for name in names(&directory).or_fail(Status::Failed, path)? {
                if name != self.name() {
                    self.bury_all(loss, why, (directory.as_fd(), &name), &path.child(&name))?;
                }
            }
        }
        if loss.holds(path) {
            let name = self.name().to_owned();
            self.put(directory.as_fd(), &name, why).or_fail(Status::Failed, path)?;
        }
        metadata.set(&directory).map(drop).or_fail(Status::Failed, path)
    }

    /// Deletes all tombstones of a tree, and warns of each. Returns how many there were.
    pub(crate) fn sweep(&self, (parent, name): NameAt<'_>, path: &TreePath) -> Outcome<u64> {
        let opened = open_directory(parent, name).or_fail(Status::Failed, path)?;
        let Some((directory, metadata)) = opened else {
            let Some(why) = self.read(parent, name).or_fail(Status::Failed, path)? else {
                return Ok(0);
            };
            log::warn!("{path}: {why}");
            unlinkat(parent, name, AtFlags::empty()).or_fail(Status::Failed, path)?;
            return Ok(1);
        };
        let mut lost = 0;
        for name in names(&directory).or_fail(Status::Failed, path)? {
            if name != self.name() {
                lost += self.sweep((directory.as_fd(), &name), &path.child(&name))?;
            }
        }
        let inside = self.read(directory.as_fd(), self.name()).or_fail(Status::Failed, path)?;
        if let Some(why) = inside {
            lost += 1;
            self.remove(directory.as_fd(), self.name()).or_fail(Status::Failed, path)?;
            if unlinkat(parent, name, AtFlags::REMOVEDIR).is_ok() {
                log::warn!("{path}: {why}");
                return Ok(lost);
            }
            log::warn!("{path}: its owner, mode and time: {why}");
        }
        metadata.set(&directory).map(drop).or_fail(Status::Failed, path)?;
        Ok(lost)
    }
}

type Outcome<T> = std::result::Result<T, Failure>;

/// The beginning of a file; nothing of another object.
fn content(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = openat(parent, name, flags, Mode::empty()) else {
        return Ok(Vec::new());
    };
    let mut content = vec![0; 2 * LONGEST];
    match read(&file, content.as_mut_slice()) {
        Err(Errno::ISDIR) => Ok(Vec::new()),
        read => {
            content.truncate(read?);
            Ok(content)
        }
    }
}
