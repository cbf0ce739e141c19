//! What stays at the destination when a new tree is moved into it: objects that are as the backup has them,
//! but for the metadata of files and directories. They are not in the new tree, which has the directories
//! above them.

use std::iter::Peekable;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use archive::TreePath;
use failure::Failure;
use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::{Errno, Result};

use crate::cursor::names;
use crate::metadata::{AppliedMetadata, Metadata, Owners};
use crate::objects::{NameAt, ObjectInfo, inspect_at};
use crate::plan::{Inode, KeptObject, KeptObjects, Place, Plan};

/// Why a kept object is in the way.
pub(crate) const CHANGED: &str =
    "was changed by another program during the restore; run the same command again";

/// The objects that stay, in index order.
#[derive(Default)]
pub(crate) struct Kept {
    plan: Option<Plan>,
    /// The path in the backup that is restored.
    root: TreePath,
    objects: KeptObjects,
    broken: bool,
}

impl Kept {
    /// Those that a plan keeps at the destination.
    pub(crate) fn of(plan: Option<Plan>, root: TreePath) -> std::result::Result<Kept, Failure> {
        let objects = match &plan {
            Some(plan) => plan.kept(&[Place::There])?,
            None => KeptObjects::default(),
        };
        Ok(Kept { plan, root, objects, broken: false })
    }

    /// The same, from the first one.
    pub(crate) fn again(&self) -> std::result::Result<Kept, Failure> {
        Kept::of(self.plan.clone(), self.root.clone())
    }

    /// The object of that path below the destination, if it stays.
    pub(crate) fn take(
        &mut self,
        path: &TreePath,
    ) -> std::result::Result<Option<KeptObject>, Failure> {
        let next = self.objects.peek().and_then(|next| next.path.strip_prefix(&self.root));
        if next.as_ref() == Some(path) { self.objects.next() } else { Ok(None) }
    }

    /// Whether an object was passed over: its directory is not what it was.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Passes over objects that were due before.
    fn drop_while(
        &mut self,
        is_due: impl Fn(&TreePath) -> bool,
    ) -> std::result::Result<bool, Failure> {
        let due = |kept: &Kept| {
            let next = kept.objects.peek().and_then(|next| next.path.strip_prefix(&kept.root));
            next.is_some_and(|next| is_due(&next))
        };
        let is_broken = due(self);
        self.broken |= is_broken;
        while due(self) {
            self.objects.next()?;
        }
        Ok(is_broken)
    }

    /// The name of the next object, if it stays in that directory.
    fn name_in(&self, directory: &TreePath) -> Option<Vec<u8>> {
        let next = self.objects.peek()?.path.strip_prefix(&self.root)?;
        let name = next.file_name()?;
        (next.parent().as_ref() == Some(directory)).then(|| name.to_vec())
    }
}

/// What a name in a directory is of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The new tree has it.
    New,
    /// It stays.
    Kept,
    /// Neither.
    Other,
}

/// The names in a directory of the new tree, of those that stay there, and, where what the backup does not
/// have is deleted, of what is there: in their order.
pub(crate) struct Names {
    directory: TreePath,
    new: Peekable<std::vec::IntoIter<Vec<u8>>>,
    there: Peekable<std::vec::IntoIter<Vec<u8>>>,
}

impl Names {
    pub(crate) fn of(
        directory: &TreePath,
        new: BorrowedFd<'_>,
        there: Option<BorrowedFd<'_>>,
    ) -> Result<Names> {
        let sorted = |directory: BorrowedFd<'_>| names(&reopened(directory)?);
        let mut others = there.map(sorted).transpose()?.unwrap_or_default();
        // A file system that folds names knows a new object by another spelling, too.
        let mut done = Ok(());
        others.retain(|name| match inspect_at(new, name) {
            Ok(found) => found.is_none(),
            Err(error) => {
                done = Err(error);
                false
            }
        });
        done?;
        let new = sorted(new)?.into_iter().peekable();
        let there = others.into_iter().peekable();
        Ok(Names { directory: directory.clone(), new, there })
    }

    /// The next name.
    pub(crate) fn next(
        &mut self,
        kept: &mut Kept,
    ) -> std::result::Result<Option<(Vec<u8>, Role)>, Failure> {
        let (kept, name) = loop {
            let found = kept.name_in(&self.directory);
            let candidates = [self.new.peek(), found.as_ref(), self.there.peek()];
            let Some(name) = candidates.into_iter().flatten().min().cloned() else {
                kept.drop_while(|path| path.starts_with(&self.directory))?;
                return Ok(None);
            };
            let path = self.directory.child(&name);
            if !kept.drop_while(|next| *next < path)? {
                break (found, name);
            }
        };
        let is_new = self.new.next_if_eq(&name).is_some();
        self.there.next_if_eq(&name);
        let role = match () {
            () if is_new => Role::New,
            () if kept.as_ref() == Some(&name) => Role::Kept,
            () => Role::Other,
        };
        Ok(Some((name, role)))
    }
}

/// The directory in a handle of its own, to list it from its start.
fn reopened(directory: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(directory, ".", flags, Mode::empty())
}

impl KeptObject {
    /// The metadata that it gets.
    pub(crate) fn metadata(&self, owners: &mut Owners) -> Metadata {
        Metadata::of(&self.member, owners).leaving_attributes()
    }

    /// Looks whether it is still what was compared. Says why it is in the way.
    pub(crate) fn obstacle(
        &self,
        place: NameAt<'_>,
        owners: &mut Owners,
    ) -> Result<Option<&'static str>> {
        let Some(inode) = &self.inode else { return Ok(None) };
        let Some(found) = inspect_at(place.0, place.1)?.filter(|found| inode.is(found)) else {
            return Ok(Some(CHANGED));
        };
        let Some(locked) = found.locked else { return Ok(None) };
        let stat = rustix::fs::statat(place.0, place.1, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((!self.metadata(owners).is_given(&stat, true)).then_some(locked))
    }

    /// Gives a file its metadata, by an open handle of the inode that was compared. None if it has it.
    pub(crate) fn give(
        &self,
        place: NameAt<'_>,
        owners: &mut Owners,
    ) -> Result<Option<AppliedMetadata>> {
        let Some(inode) = &self.inode else { return Ok(None) };
        let metadata = self.metadata(owners);
        let is_it = |found: Option<ObjectInfo>| found.is_some_and(|found| inode.is(&found));
        if !is_it(inspect_at(place.0, place.1)?) {
            return Err(Errno::STALE);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(place.0, place.1, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        if Inode::of(&stat) != *inode {
            return Err(Errno::STALE);
        }
        if metadata.is_given(&stat, true) {
            return Ok(None);
        }
        metadata.set(file.as_fd()).map(Some)
    }
}

impl Inode {
    /// Whether an object is this very inode, and has not been changed.
    pub(crate) fn is(&self, found: &ObjectInfo) -> bool {
        found.is_file() && (self.id, self.changed) == (found.id, found.changed)
    }
}
