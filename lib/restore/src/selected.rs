//! Restoring several paths, or what patterns select: everything else is left out.
//!
//! A directory that is restored only if something in it is, is made at once, since later sets may tell
//! nothing of it. If it is empty in the end, it is deleted.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use archive::{Part as EntryPart, TreePath};
use failure::{Failure, OrFail, Reason, Status};
use rustix::fs::{AtFlags, statat, unlinkat};
use selection::{Choice, Part};
use stream::member::Kind;

use crate::NOT_THERE;
use crate::cursor::{names, open_directory};
use crate::entries::Entry;
use crate::objects::NameAt;
use crate::staging::TREE;
use crate::tree::{ApplyError, Tree};

impl Tree {
    /// Whether an entry is restored. Of one that a set has deleted, nothing may be left.
    pub(crate) fn selects(&mut self, entry: &Entry) -> Result<bool, Failure> {
        let path = &entry.name.path;
        if entry.name.part == EntryPart::Deleted || !path.starts_with(&self.wanted) {
            return Ok(true);
        }
        let is_directory = entry.member.kind == Kind::Directory;
        Ok(self.part.choose(path, is_directory)? != Choice::LeaveOut)
    }

    /// Leaves an entry out. In an earlier set, something of another kind may have had its path.
    pub(crate) fn leave_out(&mut self, path: &TreePath, entry: &Entry) -> Result<(), Failure> {
        if entry.name.part != EntryPart::Snapshot {
            return Ok(());
        }
        match self.delete(path, &entry.name.path) {
            Err(ApplyError::Failed(failure)) => Err(failure),
            Err(ApplyError::Skipped(_)) | Ok(()) => Ok(()),
        }
    }

    /// Completes a tree of which something was left out, once the cursor has left it.
    ///
    /// # Errors
    /// One of several paths is not there, or nothing is selected.
    pub(crate) fn finish_selection(&mut self) -> Result<(), Failure> {
        if !self.part.is_filtered() {
            return Ok(());
        }
        for path in self.part.paths() {
            let there = match path.is_root() {
                true => true,
                false => self.cursor.find(path).is_some_and(|(parent, name)| {
                    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
                }),
            };
            if !there {
                return Err(absent(path.to_string(), NOT_THERE));
            }
        }
        let staging = self.cursor.staging()?;
        let root = self.wanted.clone();
        if clear_root(&mut self.part, staging.as_fd(), &root)? {
            let why = "nothing in the backup is selected at that time; moo list shows all";
            return Err(absent(root.to_string(), why));
        }
        Ok(())
    }
}

fn absent(which: String, why: &str) -> Failure {
    Failure::of(Status::Absent, which, why).because(Reason::NoSuchPath)
}

/// Deletes the directories in which nothing is selected. Returns whether nothing is left below a root that
/// is not selected itself.
fn clear_root(part: &mut Part, staging: BorrowedFd<'_>, root: &TreePath) -> Result<bool, Failure> {
    let opened = open_directory(staging, TREE).or_fail(Status::Failed, root)?;
    let Some((directory, metadata)) = opened else { return Ok(false) };
    let is_empty = clear_below(part, &directory, root)?;
    metadata.set(&directory).map(drop).or_fail(Status::Failed, root)?;
    Ok(is_empty && (root.is_root() || part.choose(root, true)? != Choice::Restore))
}

/// The same for the entries of a directory. Returns whether it is empty.
fn clear_below(part: &mut Part, directory: &OwnedFd, path: &TreePath) -> Result<bool, Failure> {
    let mut is_empty = true;
    for name in names(directory).or_fail(Status::Failed, path)? {
        is_empty &= clear(part, (directory.as_fd(), &name), &path.child(&name))?;
    }
    Ok(is_empty)
}

/// The same for an entry. Returns whether it has been deleted.
fn clear(part: &mut Part, (parent, name): NameAt<'_>, path: &TreePath) -> Result<bool, Failure> {
    let opened = open_directory(parent, name).or_fail(Status::Failed, path)?;
    let Some((directory, metadata)) = opened else { return Ok(false) };
    if clear_below(part, &directory, path)? && part.choose(path, true)? != Choice::Restore {
        unlinkat(parent, name, AtFlags::REMOVEDIR).or_fail(Status::Failed, path)?;
        return Ok(true);
    }
    metadata.set(&directory).map(drop).or_fail(Status::Failed, path)?;
    Ok(false)
}
