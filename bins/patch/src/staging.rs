//! The folder beside the destination in which the tree is built.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock};
use rustix::io::Errno;
use stream::{Failure, OrFail, Status};
use tempfile::TempDir;

use crate::content::PATCHED;
use crate::cursor::TREE;
use crate::first::LINKED;
use crate::remove::remove;

/// Where the old tree goes if it can't be exchanged for the new one.
const REPLACED: &[u8] = b"replaced";
/// Bytes of the destination's name in that of the folder, which may not be too long.
const MOST_OF_NAME: usize = 120;

/// A folder beside the destination. It goes when it is dropped, with what is in it.
pub(crate) struct Staging {
    folder: TempDir,
    /// Locked as long as this process lives, so that a folder that was left behind is known. None
    /// where the file system knows no such lock.
    _lock: Option<File>,
    destination: PathBuf,
    force: bool,
}

impl Staging {
    /// A folder for that destination, at which nothing may be but an empty directory, unless it
    /// is to be replaced by force.
    pub(crate) fn beside(destination: &Path, force: bool) -> Result<Staging, Failure> {
        let which = destination.display();
        let Some(name) = destination.file_name() else {
            let why = format!("{which}: has no name of its own (name a new directory)");
            return Err(Failure::new(Status::Usage, why));
        };
        let parent = match destination.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).or_fail(Status::Failed, parent.display())?;
        // Without a slash at its end, which would lead through a symbolic link.
        let destination = parent.join(name);
        check_destination(&destination, parent, force)?;
        Staging::make(parent, destination, force)
    }

    /// A folder for a tree that is not to be delivered, among the temporary files.
    pub(crate) fn temporary() -> Result<Staging, Failure> {
        let parent = std::env::temp_dir();
        Staging::make(&parent, parent.join("verify"), false)
    }

    fn make(parent: &Path, destination: PathBuf, force: bool) -> Result<Staging, Failure> {
        let prefix = prefix(destination.file_name().unwrap_or_default());
        remove_leftovers(parent, &prefix);
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .or_fail(Status::Failed, parent.display())?;
        let lock = lock(folder.path()).ok();
        Ok(Staging { folder, _lock: lock, destination, force })
    }

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder itself.
    pub(crate) fn open(&self) -> Result<OwnedFd, Failure> {
        let path = self.folder.path();
        File::open(path).map(OwnedFd::from).or_fail(Status::Failed, path.display())
    }

    /// Whether there is something to deliver.
    pub(crate) fn has_tree(&self) -> bool {
        self.tree().symlink_metadata().is_ok()
    }

    /// Gives the tree its name.
    pub(crate) fn deliver(self) -> Result<(), Failure> {
        cli::lifeline::check();
        let which = self.destination.display();
        let delivered = self.rename().or_fail(Status::Failed, which);
        self.clear();
        delivered
    }

    fn rename(&self) -> rustix::io::Result<()> {
        let (tree, to) = (self.tree(), &self.destination);
        let rename = |flags| rustix::fs::renameat_with(CWD, &tree, CWD, to, flags);
        if self.force && to.symlink_metadata().is_ok() {
            return match rename(RenameFlags::EXCHANGE) {
                Err(Errno::INVAL | Errno::NOSYS) => self.replace(),
                exchanged => exchanged,
            };
        }
        // An empty directory makes room; anything else does not, should it have come meanwhile.
        match fs::remove_dir(to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Errno::from_io_error(&error).unwrap_or(Errno::EXIST));
            }
            _ => {}
        }
        match rename(RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => rename(RenameFlags::empty()),
            renamed => renamed,
        }
    }

    /// Takes the place of the old tree where the file system can't exchange the two.
    fn replace(&self) -> rustix::io::Result<()> {
        let (to, old) = (&self.destination, self.inside(REPLACED));
        rustix::fs::rename(to, &old)?;
        rustix::fs::rename(self.tree(), to).inspect_err(|_| {
            let _ = rustix::fs::rename(&old, to);
        })
    }

    fn tree(&self) -> PathBuf {
        self.inside(TREE)
    }

    fn inside(&self, name: &[u8]) -> PathBuf {
        self.folder.path().join(OsStr::from_bytes(name))
    }

    /// Removes what is left, directories without permissions too.
    fn clear(&self) {
        if let Ok(folder) = self.open() {
            for name in [TREE, REPLACED, PATCHED, LINKED] {
                let _ = remove(folder.as_fd(), name);
            }
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What the names of the folders for a destination begin with.
fn prefix(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let most = (0..=MOST_OF_NAME).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    format!(".{}.moo-", name.get(..most).unwrap_or(&name))
}

fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Removes the folders of runs that were killed: nobody locks them any more.
fn remove_leftovers(parent: &Path, prefix: &str) {
    let (Ok(folder), Ok(entries)) = (File::open(parent), fs::read_dir(parent)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name
            .as_bytes()
            .strip_prefix(prefix.as_bytes())
            .is_some_and(|end| end.len() == 6 && end.iter().all(u8::is_ascii_alphanumeric));
        let own = entry.metadata().is_ok_and(|found| {
            found.is_dir() && found.uid() == rustix::process::geteuid().as_raw()
        });
        if ours && own && lock(&entry.path()).is_ok() {
            log::info!("{}: left by a run that was killed, removed", entry.path().display());
            let _ = remove(folder.as_fd(), name.as_bytes());
        }
    }
}

fn check_destination(destination: &Path, parent: &Path, force: bool) -> Result<(), Failure> {
    let refuse =
        |why: &str| Err(Failure::new(Status::Usage, format!("{}: {why}", destination.display())));
    let Ok(found) = destination.symlink_metadata() else {
        return Ok(());
    };
    let holder = parent.metadata().or_fail(Status::Failed, parent.display())?;
    if found.is_dir() && found.dev() != holder.dev() {
        return refuse("is a mount point (name a new directory in it)");
    }
    let empty = found.is_dir()
        && fs::read_dir(destination)
            .or_fail(Status::Failed, destination.display())?
            .next()
            .is_none();
    if empty || force { Ok(()) } else { refuse("exists already (--force replaces it)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_long_name_has_a_name_that_fits() {
        let long = "\u{1f404}".repeat(60);
        assert_eq!(prefix(OsStr::new(&long)), format!(".{}.moo-", "\u{1f404}".repeat(30)));
        assert_eq!(prefix(OsStr::new("etc")), ".etc.moo-");
        assert!(prefix(OsStr::from_bytes(&[0xff; 255])).len() < 130);
    }

    #[test]
    fn only_folders_that_nobody_locks_are_left_over() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Staging::beside(&parent.path().join("out"), false).unwrap();
        let dead = parent.path().join(".out.moo-abc123");
        fs::create_dir_all(dead.join("tree/below")).unwrap();
        let second = Staging::beside(&parent.path().join("out"), false).unwrap();
        assert!(alive.folder.path().exists() && !dead.exists());
        assert_ne!(alive.folder.path(), second.folder.path());
    }

    #[test]
    fn a_tree_takes_the_place_of_another_where_they_cannot_be_exchanged() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        fs::create_dir_all(out.join("old")).unwrap();
        let staging = Staging::beside(&out, true).unwrap();
        fs::create_dir_all(staging.tree().join("new")).unwrap();
        staging.replace().unwrap();
        assert!(out.join("new").exists() && !out.join("old").exists());
        drop(staging);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
