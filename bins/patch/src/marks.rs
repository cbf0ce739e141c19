//! What stands in the tree for what is lost until the tree is whole: symbolic links with a target
//! that no archive can know, or files with that content where there are no symbolic links. So an entry of a later set takes their place as that of any object,
//! and how much is lost takes no memory.

use std::hash::{BuildHasher, RandomState};
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Mode, OFlags, openat, readlinkat, symlinkat, unlinkat};
use rustix::io::{Errno, Result, read, write};

use crate::remove::remove;

/// Bytes of a reason that are kept: a link takes 4095.
const LONGEST: usize = 1000;

/// The marks of a run.
pub(crate) struct Marks {
    token: String,
    used: bool,
    /// Whether some are files.
    files: bool,
}

impl Marks {
    pub(crate) fn new() -> Marks {
        let random = || RandomState::new().hash_one(0);
        Marks {
            token: format!(".lost-{:016x}{:016x}", random(), random()),
            used: false,
            files: false,
        }
    }

    /// The name of the mark in a directory that is itself lost, though something in it is not.
    pub(crate) fn name(&self) -> &[u8] {
        self.token.as_bytes()
    }

    /// Whether there are any.
    pub(crate) fn used(&self) -> bool {
        self.used
    }

    /// Puts a mark in place of whatever is there; an older mark stays.
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

    /// Why what was there is lost; none where it is no mark.
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

    /// Takes a mark away; none is fine too.
    pub(crate) fn remove(&self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
        match self.read(parent, name)? {
            Some(_) => unlinkat(parent, name, AtFlags::empty()),
            None => Ok(()),
        }
    }
}

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
