//! Other paths than those in the backup: `--rename` and `--strip-components`.
//!
//! The tree is rearranged when all of it has been built, so that no set sees the new paths. All renames are
//! meant at once: first, everything that gets another path is taken out of the tree, then it is put back.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use archive::TreePath;
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, unlinkat};

use crate::cursor::{names, open_directory};
use crate::metadata::Metadata;
use crate::objects::{inspect_at, remove};
use crate::staging::{RENAMED, TREE};

/// What gets another path.
#[derive(Clone, Debug, Default)]
pub struct Rearrangement {
    /// Old and new paths, both relative to the root of what is restored.
    renames: Vec<(TreePath, TreePath)>,
    /// How many directories each path loses at its beginning, after the renames.
    strip: usize,
}

/// The open directories that lead to a path, with the metadata that each gets back in the end.
struct Way {
    above: Vec<(OwnedFd, Metadata)>,
    end: (OwnedFd, Metadata),
}

impl Rearrangement {
    /// # Errors
    /// A path that is the root, or a path of the backup that is renamed twice.
    pub fn new(
        mut renames: Vec<(TreePath, TreePath)>,
        strip: usize,
    ) -> Result<Rearrangement, Failure> {
        // What is below another renamed path is taken out first.
        renames.sort_by(|(one, _), (other, _)| other.cmp(one));
        if let Some(root) = renames.iter().find(|(old, new)| old.is_root() || new.is_root()) {
            let why = "needs two paths below the directory that is restored";
            return Err(Failure::of(Status::Usage, shown(root), why));
        }
        if let Some(twice) = renames.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Failure::of(Status::Usage, shown(&twice[0]), "is renamed twice"));
        }
        Ok(Rearrangement { renames, strip })
    }

    /// Whether nothing is rearranged.
    pub fn is_empty(&self) -> bool {
        self.renames.is_empty() && self.strip == 0
    }

    /// Rearranges the tree in a staging folder. Returns how many renames found nothing. If `whole` is
    /// set, the tree is to be all that there is at the destination, so nothing of it may be left out.
    pub(crate) fn apply(&self, staging: BorrowedFd<'_>, whole: bool) -> Result<u64, Failure> {
        if self.is_empty() {
            return Ok(0);
        }
        if Way::start(staging)?.is_none() {
            let why = "--rename and --strip-components need a directory, and a file is restored";
            return Err(Failure::new(Status::Usage, why));
        }
        let aside = make_aside(staging).or_fail(Status::Failed, "--rename")?;
        let mut idle = 0;
        for (number, rename) in self.renames.iter().enumerate() {
            if !take(staging, &rename.0, (aside.as_fd(), &place(number)))? {
                log::warn!("{}: {} is not restored, so it is not renamed", shown(rename), rename.0);
                idle += 1;
            }
        }
        let mut renames: Vec<_> = self.renames.iter().enumerate().collect();
        renames.sort_by_key(|(_, (_, new))| new);
        for (number, rename) in renames {
            put(staging, rename, (aside.as_fd(), &place(number)))?;
        }
        self.strip_all(staging, &aside, whole)?;
        Ok(idle)
    }

    /// Shortens all paths. Something has to be left, and, if `whole` is set, everything.
    fn strip_all(
        &self,
        staging: BorrowedFd<'_>,
        aside: &OwnedFd,
        whole: bool,
    ) -> Result<(), Failure> {
        if self.strip == 0 {
            return Ok(());
        }
        let option = format!("--strip-components {}", self.strip);
        let mut dropped = 0;
        for _ in 0..self.strip {
            dropped += strip(staging, aside, &option)?;
            let root = open(staging, TREE)?;
            let left = root.map_or(Ok(Vec::new()), |(root, _)| names(&root));
            if left.or_fail(Status::Failed, &option)?.is_empty() {
                let why = "nothing is left to restore: no path has so many components";
                return Err(Failure::of(Status::Usage, option, why));
            }
        }
        if dropped > 0 && whole {
            let why = "--delete would delete what is not restored, because its path has no more components";
            return Err(Failure::of(Status::Usage, option, why));
        }
        if dropped > 0 {
            let objects = if dropped == 1 { "1 object" } else { &format!("{dropped} objects") };
            log::warn!("{option}: {objects} not restored: the path has no more components");
        }
        Ok(())
    }
}

/// Moves what the directories below the root have to the root. Returns how many other objects were
/// dropped.
fn strip(staging: BorrowedFd<'_>, aside: &OwnedFd, option: &str) -> Result<u64, Failure> {
    let Some((root, metadata)) = open(staging, TREE)? else { return Ok(0) };
    for name in names(&root).or_fail(Status::Failed, option)? {
        renameat(&root, &*name, aside, &*name).or_fail(Status::Failed, option)?;
    }
    let mut dropped = 0;
    for name in names(aside).or_fail(Status::Failed, option)? {
        match open(aside.as_fd(), &name)? {
            Some((directory, _)) => {
                merge(&directory, root.as_fd(), (option, &TreePath::root()))?;
                unlinkat(aside, &*name, AtFlags::REMOVEDIR).or_fail(Status::Failed, option)?;
            }
            None => {
                dropped += 1;
                remove(aside.as_fd(), &name).or_fail(Status::Failed, option)?;
            }
        }
    }
    metadata.set(&root).map(drop).or_fail(Status::Failed, option)?;
    Ok(dropped)
}

/// A rename as a person gave it.
fn shown((old, new): &(TreePath, TreePath)) -> String {
    format!("--rename {old} {new}")
}

/// The name of a renamed object meanwhile.
fn place(number: usize) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn make_aside(staging: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    mkdirat(staging, RENAMED, Mode::RWXU)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(staging, RENAMED, flags, Mode::empty())
}

fn open(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Option<(OwnedFd, Metadata)>, Failure> {
    open_directory(parent, name).or_fail(Status::Failed, failure::legible::name(name))
}

/// Takes an object out of the tree; false if there is none of that path.
fn take(
    staging: BorrowedFd<'_>,
    path: &TreePath,
    (aside, place): (BorrowedFd<'_>, &[u8]),
) -> Result<bool, Failure> {
    let Some(name) = path.file_name() else { return Ok(false) };
    let Some(way) = Way::find(staging, path)? else { return Ok(false) };
    let taken = match inspect_at(way.end(), name).or_fail(Status::Failed, path)? {
        Some(_) => renameat(way.end(), name, aside, place).map(|()| true),
        None => Ok(false),
    };
    way.leave()?;
    taken.or_fail(Status::Failed, path)
}

/// Puts an object that was taken out to its new path.
fn put(
    staging: BorrowedFd<'_>,
    rename: &(TreePath, TreePath),
    (aside, place): (BorrowedFd<'_>, &[u8]),
) -> Result<(), Failure> {
    let option = shown(rename);
    let (_, new) = rename;
    let Some(name) = new.file_name() else { return Ok(()) };
    if inspect_at(aside, place).or_fail(Status::Failed, &option)?.is_none() {
        return Ok(());
    }
    let Some(way) = Way::make(staging, new, &option)? else { return Ok(()) };
    move_to((aside, place), (way.end(), name), (&option, new))?;
    way.leave()
}

/// Moves an object to a name. Two directories become one, which keeps the metadata of the one there.
fn move_to(
    (from, old): (BorrowedFd<'_>, &[u8]),
    (to, new): (BorrowedFd<'_>, &[u8]),
    (option, path): (&str, &TreePath),
) -> Result<(), Failure> {
    if inspect_at(to, new).or_fail(Status::Failed, path)?.is_none() {
        return renameat(from, old, to, new).or_fail(Status::Failed, path);
    }
    let (Some((source, _)), Some((target, metadata))) = (open(from, old)?, open(to, new)?) else {
        let why = format!("two objects would become {path}");
        return Err(Failure::of(Status::Usage, option, why));
    };
    merge(&source, target.as_fd(), (option, path))?;
    metadata.set(&target).map(drop).or_fail(Status::Failed, path)?;
    unlinkat(from, old, AtFlags::REMOVEDIR).or_fail(Status::Failed, path)
}

/// Moves all that a directory has to another one, whose path is given.
fn merge(
    from: &OwnedFd,
    to: BorrowedFd<'_>,
    (option, path): (&str, &TreePath),
) -> Result<(), Failure> {
    for name in names(from).or_fail(Status::Failed, path)? {
        move_to((from.as_fd(), &name), (to, &name), (option, &path.child(&name)))?;
    }
    Ok(())
}

impl Way {
    /// The way to the root of the tree; none if that is no directory.
    fn start(staging: BorrowedFd<'_>) -> Result<Option<Way>, Failure> {
        let root = open(staging, TREE)?;
        Ok(root.map(|end| Way { above: Vec::new(), end }))
    }

    /// The way to the directory of a path; none where there is none.
    fn find(staging: BorrowedFd<'_>, path: &TreePath) -> Result<Option<Way>, Failure> {
        let Some(mut way) = Way::start(staging)? else { return Ok(None) };
        for name in path.parent().unwrap_or_default().components() {
            match open(way.end(), name)? {
                Some(next) => way.enter(next),
                None => return way.leave().map(|()| None),
            }
        }
        Ok(Some(way))
    }

    /// The way to the directory of a path. Directories that are missing are made.
    fn make(
        staging: BorrowedFd<'_>,
        path: &TreePath,
        option: &str,
    ) -> Result<Option<Way>, Failure> {
        let Some(mut way) = Way::start(staging)? else { return Ok(None) };
        for name in path.parent().unwrap_or_default().components() {
            if inspect_at(way.end(), name).or_fail(Status::Failed, path)?.is_none() {
                let made = mkdirat(way.end(), name, Mode::from_raw_mode(0o777));
                made.or_fail(Status::Failed, path)?;
            }
            let Some(next) = open(way.end(), name)? else {
                let why = format!("what is to be above {path} is no directory");
                return Err(Failure::of(Status::Usage, option, why));
            };
            way.enter(next);
        }
        Ok(Some(way))
    }

    fn enter(&mut self, next: (OwnedFd, Metadata)) {
        self.above.push(std::mem::replace(&mut self.end, next));
    }

    /// The directory that it leads to.
    fn end(&self) -> BorrowedFd<'_> {
        self.end.0.as_fd()
    }

    /// Gives the directories their metadata back.
    fn leave(self) -> Result<(), Failure> {
        let directories = std::iter::once(&self.end).chain(self.above.iter().rev());
        for (directory, metadata) in directories {
            metadata.set(directory).or_fail(Status::Failed, "--rename")?;
        }
        Ok(())
    }
}
