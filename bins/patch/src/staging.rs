//! The folder beside the destination in which the tree is built.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use stream::{Failure, OrFail, Status};
use tempfile::TempDir;

use crate::cursor::TREE;
use crate::remove::remove;

/// A folder beside the destination. It goes when it is dropped, with what is in it.
pub(crate) struct Staging {
    folder: TempDir,
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
        check_destination(destination, parent, force)?;
        let prefix = format!(".{}.moo-", name.to_string_lossy());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(parent)
            .or_fail(Status::Failed, parent.display())?;
        Ok(Staging { folder, destination: destination.to_owned(), force })
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
        let which = self.destination.display();
        let delivered = self.rename().or_fail(Status::Failed, which);
        self.clear();
        delivered
    }

    fn rename(&self) -> rustix::io::Result<()> {
        let (tree, to) = (self.tree(), &self.destination);
        let rename = |flags| rustix::fs::renameat_with(CWD, &tree, CWD, to, flags);
        if self.force && to.symlink_metadata().is_ok() {
            return rename(RenameFlags::EXCHANGE);
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

    fn tree(&self) -> PathBuf {
        self.folder.path().join(std::str::from_utf8(TREE).unwrap_or_default())
    }

    /// Removes what is left, directories without permissions too.
    fn clear(&self) {
        if let Ok(folder) = self.open() {
            let _ = remove(std::os::fd::AsFd::as_fd(&folder), TREE);
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.clear();
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
