//! Where a restore goes to, and how what has been built gets there.
//!
//! The directory that holds the destination is opened once, and so is the destination if it is a
//! directory already. All else is done below those two handles, so that a user who can write there
//! can't lead the restore elsewhere.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Reason, Status, shown};
use rustix::fs::{Access, AtFlags, accessat, unlinkat};
use rustix::io::Errno;

use crate::kept::Kept;
use crate::merge::{MergeMode, Obstacles};
use crate::metadata::Owners;
use crate::moves::{Moves, place};
use crate::objects::{NameAt, ObjectInfo, WritableDirectory, inspect, inspect_at, is_empty};
use crate::staging::{Staging, TREE};
use crate::sync;
use crate::trusted_path;

/// The options for one that exists.
const EXISTS: &str = "already exists; use --merge to restore into it, or name a new directory";

fn exists(which: impl std::fmt::Display) -> Failure {
    Failure::of(Status::Usage, which, EXISTS).because(Reason::DestinationExists)
}

/// The destination of a restore.
pub(crate) struct Destination {
    /// What the user calls it.
    path: PathBuf,
    /// What holds it, and its name there; `None` for a path like `/` or `.`, which has no name.
    place: Option<(OwnedFd, Vec<u8>)>,
    /// The destination, if it is a directory already.
    directory: Option<There>,
    mode: MergeMode,
    /// What a file is called that is restored into a directory.
    file_name: Option<Vec<u8>>,
}

struct There {
    directory: WritableDirectory,
    look: ObjectInfo,
}

impl Destination {
    /// Opens the destination `path`, and creates the directories above it. Fails at once if what
    /// is there is in the way whatever comes.
    ///
    /// `file_name` is what is called in the backup what is to be restored; `None` if that is all.
    pub(crate) fn open(
        path: &Path,
        mode: MergeMode,
        file_name: Option<&[u8]>,
    ) -> Result<Destination, Failure> {
        let file_name = file_name.map(<[u8]>::to_vec);
        let Some(name) = path.file_name() else {
            return Destination::without_name(path, mode, file_name);
        };
        let above = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let parent = trusted_path::open(above, true)?;
        // Without a slash at its end, which would lead through a symbolic link.
        let path = above.join(name);
        let which = shown(&path);
        let name = name.as_bytes().to_vec();
        let look = inspect_at(&parent, &name).or_fail(Status::Failed, &which)?;
        let directory = match look {
            Some(look) if look.is_directory() => {
                let directory = WritableDirectory::open(parent.as_fd(), &name);
                Some(There { directory: directory.or_fail(Status::Failed, &which)?, look })
            }
            Some(_) if !mode.merge => {
                return Err(exists(which));
            }
            _ => None,
        };
        let place = Some((parent, name));
        let destination = Destination { path, place, directory, mode, file_name };
        if destination.file_name.is_none() {
            destination.check_directory()?;
        }
        Ok(destination)
    }

    /// The root of all, or a directory by a path such as `.`: it can only be restored into.
    fn without_name(
        path: &Path,
        mode: MergeMode,
        file_name: Option<Vec<u8>>,
    ) -> Result<Destination, Failure> {
        let which = shown(&path);
        if !mode.merge && file_name.is_none() {
            let why = "has no name of its own; name a new directory, or use --merge";
            return Err(Failure::of(Status::Usage, &which, why));
        }
        let opened = trusted_path::open(path, false)?;
        let directory =
            WritableDirectory::open(opened.as_fd(), b".").or_fail(Status::Failed, &which)?;
        let look = inspect(&directory).or_fail(Status::Failed, &which)?;
        let directory = Some(There { directory, look });
        Ok(Destination { path: path.to_owned(), place: None, directory, mode, file_name })
    }

    /// The folder in which the new tree is built: beside the destination, but inside it where
    /// nothing could be moved to it from beside.
    pub(crate) fn staging(&self) -> Result<Staging, Failure> {
        let (folder, path, name) = self.staging_place()?;
        Staging::make(folder, path, name)
    }

    /// The folder that an interrupted restore to the destination has left there, if there is one.
    pub(crate) fn leftover(&self) -> Result<Option<Staging>, Failure> {
        let (folder, path, name) = self.staging_place()?;
        Staging::resume(folder, path, name)
    }

    /// The destination, if it is a directory already, in a handle of its own.
    pub(crate) fn directory(&self) -> Option<Result<OwnedFd, Failure>> {
        let there = self.directory.as_ref()?;
        let opened = there.directory.as_fd().try_clone_to_owned();
        Some(opened.or_fail(Status::Failed, shown(&self.path)))
    }

    /// Whether it is a directory that has something in it.
    pub(crate) fn has_objects(&self) -> Result<bool, Failure> {
        let Some(there) = &self.directory else { return Ok(false) };
        let is_empty =
            is_empty(there.directory.as_fd()).or_fail(Status::Failed, shown(&self.path))?;
        Ok(!is_empty)
    }

    /// The directory that the staging folder is made in, what messages call it, and the name from which
    /// that of the folder is made.
    fn staging_place(&self) -> Result<(OwnedFd, &Path, &OsStr), Failure> {
        let which = shown(&self.path);
        let clone = |folder: &OwnedFd| folder.try_clone().or_fail(Status::Failed, &which);
        match (&self.place, &self.directory) {
            (Some((parent, name)), there)
                if !there.as_ref().is_some_and(|there| self.is_inside(parent, there)) =>
            {
                let above = self.path.parent().unwrap_or(Path::new("."));
                Ok((clone(parent)?, above, OsStr::from_bytes(name)))
            }
            (_, Some(there)) => {
                let folder = there.directory.as_fd().try_clone_to_owned();
                let folder = folder.or_fail(Status::Failed, &which)?;
                Ok((folder, &self.path, OsStr::new("restore")))
            }
            (_, None) => Err(Errno::NOENT).or_fail(Status::Failed, &which),
        }
    }

    fn is_inside(&self, parent: &OwnedFd, there: &There) -> bool {
        let goes_in = self.mode.merge || self.file_name.is_some();
        let writable =
            || accessat(parent, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty());
        there.look.mount || goes_in && writable().is_err()
    }

    /// Delivers what has been built: from here on the destination changes. When a name shows it, it is on
    /// the disk, and so is the name when this returns. Returns how many directories could not be given
    /// all their metadata.
    pub(crate) fn deliver(
        self,
        staging: &Staging,
        kept: Kept,
        owners: Owners,
    ) -> Result<u64, Failure> {
        let which = shown(&self.path).to_string();
        let Some(tree) = staging.tree()? else {
            return Err(Errno::NOENT).or_fail(Status::Failed, which);
        };
        sync::object((staging.as_fd(), TREE), tree.is_file(), &which)?;
        self.check_same()?;
        let moves = |mode, path: &Path| Moves::new(mode, owners.again(), staging, path);
        match (&self.directory, &self.place) {
            (Some(there), _) if !tree.is_directory() => {
                let Some(name) = &self.file_name else {
                    let why = "is a directory, and the backup is one file; name the file to create";
                    return Err(Failure::of(Status::Usage, &which, why));
                };
                // Nothing but that file is replaced.
                let mode = MergeMode { delete: false, ..self.mode };
                let path = self.path.join(OsStr::from_bytes(name));
                let old = (there.directory.as_fd(), name.as_slice());
                find_obstacles(staging, mode, &path, old)?;
                moves(mode, &path).object((staging.as_fd(), TREE), old)?;
                sync::names(&there.directory, staging.as_fd(), &which)?;
                Ok(0)
            }
            (Some(_), _) if self.mode.merge => self.merge(staging, kept, owners),
            (Some(_), Some(place)) => self.replace_empty(staging, place).map(|()| 0),
            (None, Some((parent, name))) => {
                let old = (parent.as_fd(), name.as_slice());
                find_obstacles(staging, self.mode, &self.path, old)?;
                let mut moves = moves(self.mode, &self.path);
                moves.object((staging.as_fd(), TREE), old)?;
                sync::names(parent, staging.as_fd(), &which)?;
                Ok(moves.degraded())
            }
            (_, None) => Err(exists(which)),
        }
    }

    /// Moves a new tree into the directory that is there.
    fn merge(mut self, staging: &Staging, kept: Kept, owners: Owners) -> Result<u64, Failure> {
        let Some(there) = self.directory.take() else { return Ok(0) };
        let mut obstacles = Obstacles::new(self.mode, staging.id(), &self.path)
            .keeping(kept.again()?, owners.again());
        let new = WritableDirectory::open(staging.as_fd(), TREE)
            .or_fail(Status::Failed, shown(&self.path))?;
        obstacles.directories(new.as_fd(), there.directory.as_fd());
        obstacles.finish(&self.path)?;
        drop(new);
        let mut moves = Moves::new(self.mode, owners, staging, &self.path).keeping(kept);
        let root = there.directory.as_fd().try_clone_to_owned();
        let root = root.or_fail(Status::Failed, shown(&self.path))?;
        moves.directory((staging.as_fd(), TREE), there.directory)?;
        moves.delete(root.as_fd())?;
        sync::all(staging.as_fd(), shown(&self.path))?;
        Ok(moves.degraded())
    }

    /// An empty directory makes room; anything else does not, should it have come meanwhile.
    fn replace_empty(&self, staging: &Staging, place: &(OwnedFd, Vec<u8>)) -> Result<(), Failure> {
        let which = shown(&self.path);
        self.check_directory()?;
        let (parent, name) = place;
        cli::lifeline::check();
        match unlinkat(parent, name.as_slice(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {
                return Err(exists(which));
            }
            removed => removed.or_fail(Status::Failed, &which)?,
        }
        let placed = self::place((staging.as_fd(), TREE), (parent.as_fd(), name));
        placed.or_fail(Status::Failed, &which)?;
        sync::names(parent, staging.as_fd(), &which)
    }

    /// What is there may only be an empty directory that is no mount point, unless the tree is
    /// merged with it.
    fn check_directory(&self) -> Result<(), Failure> {
        let Some(there) = self.directory.as_ref().filter(|_| !self.mode.merge) else {
            return Ok(());
        };
        let which = shown(&self.path);
        let refuse = |why: &str| Err(Failure::of(Status::Usage, &which, why));
        if there.look.mount {
            let why =
                "is a mount point; use --merge to restore into it, or name a new directory in it";
            return refuse(why);
        }
        match is_empty(there.directory.as_fd()).or_fail(Status::Failed, &which)? {
            true => Ok(()),
            false => Err(exists(which)),
        }
    }

    /// The directory at the destination has to be the one that was there in the beginning.
    fn check_same(&self) -> Result<(), Failure> {
        let (Some((parent, name)), Some(there)) = (&self.place, &self.directory) else {
            return Ok(());
        };
        let which = shown(&self.path);
        let now = inspect_at(parent, name).or_fail(Status::Failed, &which)?;
        if now.is_some_and(|now| now.id == there.look.id) {
            return Ok(());
        }
        let why = "was replaced by another program during the restore; nothing changed";
        Err(Failure::of(Status::Failed, which, why))
    }
}

/// Looks for what is in the way of one new object.
fn find_obstacles(
    staging: &Staging,
    mode: MergeMode,
    path: &Path,
    old: NameAt<'_>,
) -> Result<(), Failure> {
    let mut obstacles = Obstacles::new(mode, staging.id(), path);
    obstacles.object((staging.as_fd(), TREE), old);
    obstacles.finish(path)
}
