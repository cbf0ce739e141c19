//! Restoring past damage (`--keep-going`): tombstones stand for what is lost, and for what builds on it.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::os::fd::AsFd;

use archive::{EntryName, Part, TreePath};
use failure::{Failure, OrFail, Status};
use rustix::fs::{Mode, mkdirat};
use stream::{Next, TarError, TarReader};

use crate::entries::Entry;
use crate::set_metadata::Loss;
use crate::staging::TREE;
use crate::tree::{ALTERED, ApplyError, OrSkip, TOO_DEEP, Tree, is_directory, remove_if_held};

impl Tree {
    /// Puts a tombstone in place of an entry that is damaged. Any other failure ends the restore.
    pub(crate) fn bury(&mut self, which: &TreePath, failure: Failure) -> Result<(), Failure> {
        if failure.status() != Status::Integrity || !failure.is_news() {
            return Err(failure);
        }
        self.mark_lost(which, failure.beside(&which.to_string()))
    }

    /// Makes the directories above a path that are lost themselves, or kept at the destination.
    pub(crate) fn make_way(&mut self, path: &TreePath) -> Result<(), ApplyError> {
        if self.cursor.parent(path)?.is_some() {
            return Ok(());
        }
        let above = path.parent().unwrap_or_default();
        let mut directory = TreePath::root();
        self.make_directory(&directory)?;
        for name in above.components() {
            directory = directory.child(name);
            self.make_directory(&directory)?;
        }
        Ok(())
    }

    fn make_directory(&mut self, path: &TreePath) -> Result<(), ApplyError> {
        if self.cursor.is_taken(path)? {
            return Ok(());
        }
        let Some((parent, name)) = self.cursor.parent(path)? else {
            return Ok(());
        };
        if is_directory(parent, name) {
            return Ok(());
        }
        if self.cursor.is_altered(path)? {
            return Err(ApplyError::Skipped(ALTERED.to_owned()));
        }
        let Some((parent, name)) = self.cursor.parent(path)? else {
            return Ok(());
        };
        remove_if_held(parent, name).or_fail(Status::Failed, path)?;
        mkdirat(parent, name, Mode::RWXU).or_skip(path)?;
        self.cursor.note(name, true);
        let Some(tombstones) = &mut self.tombstones else {
            return Ok(());
        };
        match self.cursor.parent(&path.child(tombstones.name()))? {
            Some((inside, name)) => tombstones.put(inside, name, "is lost").or_skip(path),
            None => Ok(()),
        }
    }

    /// Deletes the tombstone of a directory that a later set has as a whole.
    pub(crate) fn unmark(&mut self, path: &TreePath) -> Result<(), Failure> {
        let Some(tombstones) = self.tombstones.as_ref().filter(|all| all.used()) else {
            return Ok(());
        };
        match self.cursor.parent(&path.child(tombstones.name()))? {
            Some((inside, name)) => tombstones.remove(inside, name).or_fail(Status::Failed, path),
            None => Ok(()),
        }
    }

    /// Puts a tombstone in place of an entry, in whatever state it was.
    fn mark_lost(&mut self, which: &TreePath, why: &str) -> Result<(), Failure> {
        let Some(path) = which.strip_prefix(&self.wanted) else {
            return Ok(());
        };
        match self.put_tombstone(&path, which, why) {
            Err(ApplyError::Failed(failure)) => Err(failure),
            Err(ApplyError::Skipped(_)) => {
                self.skipped.add(which, why.to_owned());
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn put_tombstone(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        why: &str,
    ) -> Result<(), ApplyError> {
        if self.cursor.is_too_deep(path) {
            return Err(ApplyError::Skipped(TOO_DEEP.to_owned()));
        }
        self.make_way(path)?;
        if self.cursor.is_taken(path)? || self.cursor.is_altered(path)? {
            return Err(ApplyError::Skipped(why.to_owned()));
        }
        if let (Some(tombstones), Some((parent, name))) =
            (&mut self.tombstones, self.cursor.parent(path)?)
        {
            tombstones.put(parent, name, why).or_skip(which)?;
            self.cursor.note(name, true);
        }
        Ok(())
    }

    /// Marks as lost what was in a lost part of a set. The signature file of the set lists that.
    pub(crate) fn lose(&mut self, loss: &Loss) -> Result<(), Failure> {
        let why = format!("was in {}, which is lost", loss.which);
        if let Some(file) = &loss.signatures
            && self.lose_listed(loss, file, &why)?
        {
            return Ok(());
        }
        let end = loss.end.as_ref().map(|end| format!(" to {end}")).unwrap_or_default();
        let range = format!("from {}{end}", loss.start);
        let hint = "is not restored: older entries are left out, and new ones cannot be named";
        log::warn!("{}: its content is unknown: {range} {hint}", loss.which);
        self.cursor.finish()?;
        let staging = self.cursor.staging()?;
        let root = self.wanted.clone();
        match &mut self.tombstones {
            Some(tombstones) => tombstones.bury_all(loss, &why, (staging.as_fd(), TREE), &root),
            None => Ok(()),
        }
    }

    /// Tombstones the files that the signatures of the set list there, and applies all else: of what
    /// is no file, they tell everything. False where they can't be read.
    fn lose_listed(&mut self, loss: &Loss, file: &File, why: &str) -> Result<bool, Failure> {
        let which = &loss.which;
        let mut file = file;
        file.rewind().or_fail(Status::Failed, which)?;
        let mut tar = TarReader::new(BufReader::new(file));
        loop {
            let member = match tar.advance() {
                Ok(Next::Member(member)) => *member,
                Ok(_) => return Ok(true),
                Err(TarError::Io(error)) => return Err(error).or_fail(Status::Failed, which),
                Err(_) => return Ok(false),
            };
            let Ok(name) = EntryName::parse(&member.name) else {
                return Ok(false);
            };
            if loss.holds(&name.path) {
                self.lose_entry(&Entry { name, member }, why)?;
            }
        }
    }

    fn lose_entry(&mut self, entry: &Entry, why: &str) -> Result<(), Failure> {
        let which = entry.name.path.clone();
        let Some(path) = which.strip_prefix(&self.wanted) else {
            return self.skip_unwanted(entry);
        };
        if entry.name.part == Part::Signature {
            return self.mark_lost(&which, why);
        }
        match self.apply_bodiless(&path, entry) {
            Err(failure) => self.bury(&which, failure),
            Ok(()) => Ok(()),
        }
    }
}
