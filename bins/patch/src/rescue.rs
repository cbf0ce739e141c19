//! Going on past what is lost: it is marked, what builds on it is too, and what is still marked at
//! the end is named and taken out.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::os::fd::{AsFd, BorrowedFd};

use archive::{EntryName, Part, TreePath};
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, Mode, mkdirat, unlinkat};
use stream::{Next, TarError, TarReader};

use crate::apply::{ALTERED, TOO_DEEP, Tree, is_directory, remove_if_held};
use crate::cursor::{TREE, names, open_directory};
use crate::entries::{Entries, Entry, Event};
use crate::left_out::{OrLeaveOut, Trouble};
use crate::marks::Marks;
use crate::papers::Loss;

impl Tree {
    /// Takes what comes next.
    pub(crate) fn take(&mut self, event: Event, body: &mut Entries) -> Result<(), Failure> {
        let entry = match event {
            Event::Loss(loss) => return self.lose(&loss),
            Event::Entry(entry) => entry,
        };
        if self.marks.is_none() {
            return self.apply(&entry, body);
        }
        let which = entry.name.path.clone();
        let applied = self.apply(&entry, body);
        if body.is_broken() { applied } else { self.past(&which, applied) }
    }

    /// Goes on past an entry that is damaged.
    fn past(&mut self, which: &TreePath, applied: Result<(), Failure>) -> Result<(), Failure> {
        match applied {
            Err(failure) if failure.status() == Status::Integrity && failure.is_news() => {
                self.mark(which, failure.beside(&which.to_string()))
            }
            applied => applied,
        }
    }

    /// Makes the directories above a path that are lost themselves.
    pub(crate) fn make_way(&mut self, path: &TreePath) -> Result<(), Trouble> {
        if self.marks.is_none() || self.cursor.parent(path)?.is_some() {
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

    fn make_directory(&mut self, path: &TreePath) -> Result<(), Trouble> {
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
            return Err(Trouble::LeftOut(ALTERED.to_owned()));
        }
        let Some((parent, name)) = self.cursor.parent(path)? else {
            return Ok(());
        };
        remove_if_held(parent, name).or_fail(Status::Failed, path)?;
        mkdirat(parent, name, Mode::RWXU).or_leave_out(path)?;
        self.cursor.note(name, true);
        let Some(marks) = &mut self.marks else {
            return Ok(());
        };
        match self.cursor.parent(&path.child(marks.name()))? {
            Some((inside, name)) => marks.put(inside, name, "is lost").or_leave_out(path),
            None => Ok(()),
        }
    }

    /// A directory is whole again.
    pub(crate) fn unmark(&mut self, path: &TreePath) -> Result<(), Failure> {
        let Some(marks) = self.marks.as_ref().filter(|marks| marks.used()) else {
            return Ok(());
        };
        match self.cursor.parent(&path.child(marks.name()))? {
            Some((inside, name)) => marks.remove(inside, name).or_fail(Status::Failed, path),
            None => Ok(()),
        }
    }

    /// Marks an entry as lost, in whatever state it was.
    fn mark(&mut self, which: &TreePath, why: &str) -> Result<(), Failure> {
        let Some(path) = which.strip_prefix(&self.wanted) else {
            return Ok(());
        };
        match self.put_mark(&path, which, why) {
            Err(Trouble::Failed(failure)) => Err(failure),
            Err(Trouble::LeftOut(_)) => {
                self.left_out.add(which, why.to_owned());
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn put_mark(&mut self, path: &TreePath, which: &TreePath, why: &str) -> Result<(), Trouble> {
        if self.cursor.is_too_deep(path) {
            return Err(Trouble::LeftOut(TOO_DEEP.to_owned()));
        }
        self.make_way(path)?;
        if self.cursor.is_taken(path)? || self.cursor.is_altered(path)? {
            return Err(Trouble::LeftOut(why.to_owned()));
        }
        if let (Some(marks), Some((parent, name))) = (&mut self.marks, self.cursor.parent(path)?) {
            marks.put(parent, name, why).or_leave_out(which)?;
            self.cursor.note(name, true);
        }
        Ok(())
    }

    /// Goes on past a part of a set: what was in it is told by the set's signatures.
    fn lose(&mut self, loss: &Loss) -> Result<(), Failure> {
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
        match &mut self.marks {
            Some(marks) => hide(marks, loss, &why, (staging.as_fd(), TREE), &root),
            None => Ok(()),
        }
    }

    /// Marks the files that the signatures of the set list there, and applies all else: of what
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
            return self.pass(entry);
        };
        if entry.name.part == Part::Signature {
            return self.mark(&which, why);
        }
        let applied = self.apply_bodiless(&path, entry);
        self.past(&which, applied)
    }

    /// Names what is lost, and takes the marks out of the tree. Returns how much is lost.
    pub(crate) fn sweep(&mut self) -> Result<u64, Failure> {
        let staging = self.cursor.staging()?;
        let mut lost = 0;
        if let Some(marks) = self.marks.as_ref().filter(|marks| marks.used()) {
            sweep(marks, (staging.as_fd(), TREE), &self.wanted, &mut lost)?;
        }
        Ok(lost)
    }
}

/// Marks all objects that may have been in what is lost.
fn hide(
    marks: &mut Marks,
    loss: &Loss,
    why: &str,
    (parent, name): (BorrowedFd<'_>, &[u8]),
    path: &TreePath,
) -> Result<(), Failure> {
    let Some((directory, found)) = open_directory(parent, name).or_fail(Status::Failed, path)?
    else {
        let there = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        if there && loss.holds(path) {
            marks.put(parent, name, why).or_fail(Status::Failed, path)?;
        }
        return Ok(());
    };
    if loss.reaches(path) {
        for name in names(&directory).or_fail(Status::Failed, path)? {
            if name != marks.name() {
                hide(marks, loss, why, (directory.as_fd(), &name), &path.child(&name))?;
            }
        }
    }
    if loss.holds(path) {
        let name = marks.name().to_owned();
        marks.put(directory.as_fd(), &name, why).or_fail(Status::Failed, path)?;
    }
    found.set(&directory).map(drop).or_fail(Status::Failed, path)
}

/// Names what is marked, and takes it out.
fn sweep(
    marks: &Marks,
    (parent, name): (BorrowedFd<'_>, &[u8]),
    path: &TreePath,
    lost: &mut u64,
) -> Result<(), Failure> {
    let Some((directory, found)) = open_directory(parent, name).or_fail(Status::Failed, path)?
    else {
        if let Some(why) = marks.read(parent, name).or_fail(Status::Failed, path)? {
            *lost += 1;
            log::warn!("{path}: {why}");
            unlinkat(parent, name, AtFlags::empty()).or_fail(Status::Failed, path)?;
        }
        return Ok(());
    };
    for name in names(&directory).or_fail(Status::Failed, path)? {
        if name != marks.name() {
            sweep(marks, (directory.as_fd(), &name), &path.child(&name), lost)?;
        }
    }
    let inside = marks.read(directory.as_fd(), marks.name()).or_fail(Status::Failed, path)?;
    if let Some(why) = inside {
        *lost += 1;
        marks.remove(directory.as_fd(), marks.name()).or_fail(Status::Failed, path)?;
        if unlinkat(parent, name, AtFlags::REMOVEDIR).is_ok() {
            log::warn!("{path}: {why}");
            return Ok(());
        }
        log::warn!("{path}: its owner, mode and time: {why}");
    }
    found.set(&directory).map(drop).or_fail(Status::Failed, path)
}
