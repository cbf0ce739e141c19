//! A directory that is already there, opened so that its owner can work in it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, chmodat, fchmod, fstat, openat};
use rustix::io::{Errno, Result};
use rustix::process::geteuid;

/// An open directory. A mode that kept its owner out comes back when it is dropped.
pub(crate) struct Entered {
    directory: OwnedFd,
    mode: Option<Mode>,
}

impl Entered {
    /// Opens a directory; a symbolic link is refused with ENOTDIR. Who is not root gives himself
    /// access to a directory of his own meanwhile.
    pub(crate) fn open(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Entered> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if geteuid().is_root() {
            let directory = openat(parent, name, flags | OFlags::RDONLY, Mode::empty())?;
            return Ok(Entered { directory, mode: None });
        }
        let place = openat(parent, name, flags | OFlags::PATH, Mode::empty())?;
        let stat = fstat(&place)?;
        let locked = stat.st_mode & 0o700 != 0o700 && stat.st_uid == geteuid().as_raw();
        if locked {
            // What is open is changed, whatever its name leads to by now.
            let path = format!("/proc/self/fd/{}", place.as_raw_fd());
            let mode = Mode::from_raw_mode(stat.st_mode & 0o7777) | Mode::RWXU;
            chmodat(CWD, path, mode, rustix::fs::AtFlags::empty())?;
        }
        let directory = openat(&place, ".", flags | OFlags::RDONLY, Mode::empty());
        let mode = locked.then(|| Mode::from_raw_mode(stat.st_mode & 0o7777));
        directory.map(|directory| Entered { directory, mode })
    }

    /// Keeps the mode that it has now.
    pub(crate) fn settle(mut self) {
        self.mode = None;
    }

    /// Gives its owner access again, after it has got another mode.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        if geteuid().is_root() {
            return Ok(());
        }
        let mode = Mode::from_raw_mode(fstat(&self.directory)?.st_mode & 0o7777);
        if mode.contains(Mode::RWXU) {
            return Ok(());
        }
        self.mode = Some(mode);
        match fchmod(&self.directory, mode | Mode::RWXU) {
            Err(Errno::PERM) => Ok(()),
            done => done,
        }
    }
}

impl AsFd for Entered {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(mode) = self.mode {
            let _ = fchmod(&self.directory, mode);
        }
    }
}
