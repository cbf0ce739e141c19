//! What stands in the tree for what is lost until the tree is whole: symbolic links with a target
//! that no archive can know. So an entry of a later set takes their place as that of any object,
//! and how much is lost takes no memory.

use std::hash::{BuildHasher, RandomState};
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, readlinkat, symlinkat, unlinkat};
use rustix::io::{Errno, Result};

use crate::remove::remove;

/// Bytes of a reason that are kept: a link takes 4095.
const LONGEST: usize = 1000;

/// The marks of a run.
pub(crate) struct Marks {
    token: String,
    used: bool,
}

impl Marks {
    pub(crate) fn new() -> Marks {
        let random = || RandomState::new().hash_one(0);
        Marks { token: format!(".lost-{:016x}{:016x}", random(), random()), used: false }
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
        symlinkat(target.as_str(), parent, name)
    }

    /// Why what was there is lost; none where it is no mark.
    pub(crate) fn read(&self, parent: BorrowedFd<'_>, name: &[u8]) -> Result<Option<String>> {
        let target = match readlinkat(parent, name, Vec::new()) {
            Err(Errno::INVAL | Errno::NOENT) => return Ok(None),
            target => target?,
        };
        let target = target.to_string_lossy();
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
