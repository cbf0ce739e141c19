//! The folder for temporary files of one command. It goes with the command; after a crash the next
//! command of the same user removes it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status, shown};
use rustix::fs::{FlockOperation, flock};

const PREFIX: &str = "moo-run.";
/// What those of a moo-patch that ran without moo-run begin with; it locks them alike.
const PATCH: &str = ".verify.moo-";
/// Letters and digits after it.
const RANDOM: usize = 6;

/// `TMPDIR/moo-run.XXXXXX/tmp`; removed when dropped.
pub(crate) struct Scratch {
    folder: PathBuf,
    inner: PathBuf,
    /// Locked as long as the keeper lives.
    _lock: File,
}

impl Scratch {
    /// Makes one, and removes those that nobody locks.
    ///
    /// # Errors
    /// Nothing can be made in TMPDIR; the message names it.
    pub(crate) fn make() -> Result<Scratch, Failure> {
        let base = std::env::temp_dir();
        let which = format!("TMPDIR ({})", shown(&base));
        Scratch::make_in(&base).or_fail(Status::Failed, which)
    }

    fn make_in(base: &Path) -> io::Result<Scratch> {
        let base = fs::canonicalize(base)?;
        remove_leftovers(&base);
        // The folder stays the caller's. Who the stages run as gets `tmp`, and only passes here.
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(RANDOM)
            .permissions(Permissions::from_mode(0o711))
            .tempdir_in(base)?;
        let lock = lock(folder.path())?;
        let inner = folder.path().join("tmp");
        fs::DirBuilder::new().mode(0o700).create(&inner)?;
        Ok(Scratch { folder: folder.keep(), inner, _lock: lock })
    }

    /// Where moo-snapshot records a snapshot: in the folder of the caller, whom the snapshot belongs to.
    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join(cli::note::SNAPSHOT)
    }

    /// The folder for the command's files.
    pub(crate) fn path(&self) -> &Path {
        &self.inner
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Only folders of this user's; root's hold what the stages of another user have left, too.
fn remove_leftovers(base: &Path) {
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| {
            [PREFIX, PATCH].into_iter().find_map(|prefix| name.strip_prefix(prefix))
        });
        let ours = random.is_some_and(|random| random.len() == RANDOM);
        let own = ours && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == user);
        if own && let Ok(_lock) = lock(&entry.path()) {
            remove(&entry.path());
        }
    }
}

/// Removes a tree without following a link. A restored directory may forbid its owner to empty it, but
/// not root, who must not follow a path that another user can change meanwhile.
fn remove(folder: &Path) {
    if fs::remove_dir_all(folder).is_err() && !rustix::process::geteuid().is_root() {
        open_up(folder);
        // What still stays, the next command tries again.
        let _ = fs::remove_dir_all(folder);
    }
}

fn open_up(folder: &Path) {
    if fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.for_each(|entry| open_up(&entry.path()));
    }
}
