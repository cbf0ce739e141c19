//! Building on what is there already: the staging folder has a tree of an interrupted restore, of which only
//! what a plan keeps stays; and what a plan keeps is not built.

use std::os::fd::{AsFd, BorrowedFd};

use archive::TreePath;
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;
use stream::Member;
use stream::member::Kind;

use crate::cursor::{names, open_directory};
use crate::entries::Entry;
use crate::kept::CHANGED;
use crate::metadata::Metadata;
use crate::objects::{NameAt, inspect_at, remove};
use crate::plan::{KeptObject, KeptObjects, Place, Plan};
use crate::staging::TREE;
use crate::tree::{ApplyError, Tree, wrong};

/// Deletes from a tree in the staging folder what the plan does not keep there.
pub(crate) fn sweep(staging: BorrowedFd<'_>, plan: &Plan, root: &TreePath) -> Result<(), Failure> {
    let mut sweep = Sweep { kept: plan.kept(&[Place::Staged])?, root: root.clone() };
    if inspect_at(staging, TREE).or_fail(Status::Failed, "staging folder")?.is_some() {
        sweep.object((staging, TREE), &TreePath::root())?;
    }
    Ok(())
}

struct Sweep {
    kept: KeptObjects,
    root: TreePath,
}

impl Sweep {
    /// Returns whether the object stays.
    fn object(&mut self, place: NameAt<'_>, path: &TreePath) -> Result<bool, Failure> {
        let which = path.components().fold(self.root.clone(), |above, name| above.child(name));
        let kept = self.kept.seek(&which)?;
        let Some(found) = inspect_at(place.0, place.1).or_fail(Status::Failed, &which)? else {
            return Ok(false);
        };
        let is_kept = kept.is_some_and(|kept| match &kept.inode {
            Some(inode) => inode.is(&found),
            None => kept.member.kind == Kind::Directory && found.is_directory(),
        });
        if !found.is_directory() {
            if !is_kept {
                unlinkat(place.0, place.1, AtFlags::empty()).or_fail(Status::Failed, &which)?;
            }
            return Ok(is_kept);
        }
        let opened = open_directory(place.0, place.1).or_fail(Status::Failed, &which)?;
        let Some((directory, _)) = opened else { return Ok(false) };
        let mut stays = is_kept;
        for name in names(&directory).or_fail(Status::Failed, &which)? {
            stays |= self.object((directory.as_fd(), &name), &path.child(&name))?;
        }
        if !stays {
            remove(place.0, place.1).or_fail(Status::Failed, &which)?;
        }
        Ok(stays)
    }
}

impl Tree {
    /// Whether an entry of a volume is passed over, since the plan has it otherwise.
    pub(crate) fn passes_over(&mut self, entry: &Entry) -> Result<bool, Failure> {
        match &mut self.planned {
            Some(planned) => planned.wanted.has(&entry.name.path).map(|wanted| !wanted),
            None => Ok(false),
        }
    }

    /// Completes the tree by what the plan keeps, and checks that all else has come.
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        let Some(planned) = self.planned.take() else { return Ok(()) };
        let mut kept = planned.plan.kept(&[Place::There, Place::Staged, Place::Recorded])?;
        while let Some(object) = kept.next()? {
            let Some(path) = object.path.strip_prefix(&self.wanted) else { continue };
            self.complete_by(&path, object)?;
        }
        let mut wanted = planned.plan.wanted()?;
        while let Some(which) = wanted.next()? {
            let Some(path) = which.strip_prefix(&self.wanted) else { continue };
            if !self.has(&path)?
                && !self.skipped.may_hold(&which)
                && !self.cursor.warnings.lacks_devices()
            {
                return Err(wrong(
                    &which,
                    "is in the signature file, but in no volume of its sets",
                ));
            }
        }
        Ok(())
    }

    fn has(&mut self, path: &TreePath) -> Result<bool, Failure> {
        let Some((parent, name)) = self.cursor.parent(path)? else { return Ok(false) };
        Ok(statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).is_ok())
    }

    fn complete_by(&mut self, path: &TreePath, object: KeptObject) -> Result<(), Failure> {
        let which = object.path.clone();
        let done = match (object.place, object.member.kind) {
            (Place::There, Kind::Directory) => self.make_way(&path.child(b"x")),
            (Place::There, _) => Ok(()),
            (Place::Staged, Kind::Directory) => self.stage_directory(path, &object.member),
            (Place::Staged, _) => self.stage_file(path, &object).map_err(ApplyError::from),
            (Place::Recorded, Kind::Directory) => self.directory(path, &which, &object.member),
            (Place::Recorded, _) => self.special(path, &which, &object.member),
        };
        let is_built = object.place != Place::There;
        let name = archive::EntryName { part: archive::Part::Snapshot, path: which, piece: None };
        let entry = Entry { name, member: object.member };
        if is_built || done.is_err() { self.record(path, &entry, done) } else { Ok(()) }
    }

    /// A directory of the interrupted restore, which has its extended attributes.
    fn stage_directory(&mut self, path: &TreePath, member: &Member) -> Result<(), ApplyError> {
        self.make_way(&path.child(b"x"))?;
        let metadata = Metadata::of(member, &mut self.owners).leaving_attributes();
        // Out of it and in again: it gets its metadata when it is left.
        self.cursor.parent(path)?;
        self.cursor.enter(path, Some(metadata))?;
        Ok(())
    }

    fn stage_file(&mut self, path: &TreePath, object: &KeptObject) -> Result<(), Failure> {
        let which = &object.path;
        let metadata = object.metadata(&mut self.owners);
        let changed = || Failure::of(Status::Failed, which, CHANGED);
        let (parent, name) = self.cursor.parent(path)?.ok_or_else(changed)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(parent, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Err(changed()),
            file => file.or_fail(Status::Failed, which)?,
        };
        let given = metadata.set(&file).or_fail(Status::Failed, which)?;
        self.cursor.warnings.add(which, given);
        Ok(())
    }
}
