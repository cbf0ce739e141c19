//! Files without names in the staging folder.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::{Errno, Result};

/// The name that such a file has for a moment where the system can't make one without.
pub(crate) const SCRATCH: &[u8] = b"scratch";

/// Where files without names are made.
pub(crate) struct Scratch {
    folder: OwnedFd,
    path: PathBuf,
}

impl Scratch {
    /// Of an open folder, which messages call `path`.
    pub(crate) fn new(folder: OwnedFd, path: &Path) -> Scratch {
        Scratch { folder, path: path.to_owned() }
    }

    /// What messages call the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file to write and to read, which goes with its handle.
    pub(crate) fn file(&self) -> std::result::Result<File, Failure> {
        make(&self.folder).map(File::from).or_fail(Status::Failed, self.path.display())
    }
}

/// Makes a file without a name in a folder.
pub(crate) fn make(folder: impl AsFd) -> Result<OwnedFd> {
    let (mode, flags) = (Mode::RUSR | Mode::WUSR, OFlags::RDWR | OFlags::CLOEXEC);
    match openat(&folder, ".", flags | OFlags::TMPFILE, mode) {
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL | Errno::NOSYS) => {}
        made => return made,
    }
    let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let made = openat(&folder, SCRATCH, flags, mode)?;
    unlinkat(&folder, SCRATCH, AtFlags::empty())?;
    Ok(made)
}
