//! The source: the directory or file that is backed up.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use failure::{Failure, OrFail, Status, shown};
use local::source_name;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};

/// The source, found and opened.
pub(crate) struct Source {
    /// As messages and manifests name it.
    pub(crate) name: OsString,
    /// As the user has spelt it.
    pub(crate) spelt: OsString,
    /// What the system says of it.
    pub(crate) stat: Stat,
    /// What its name is relative to: the working directory, or the root directory.
    pub(crate) at: OwnedFd,
}

impl Source {
    /// Finds the source.
    ///
    /// # Errors
    /// Also where it is a symbolic link: backing up the bare link is hardly ever meant.
    pub(crate) fn open(spelt: &OsStr) -> Result<Source, Failure> {
        if spelt.is_empty() {
            return Err(Failure::new(Status::Usage, "the source has no name"));
        }
        let name = OsString::from_vec(source_name(spelt.as_bytes()));
        let shown = shown(&name).to_string();
        let stat = rustix::fs::statat(CWD, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)
            .or_fail(Status::Failed, &shown)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            let why = "is a symbolic link (name what it points to)";
            return Err(Failure::of(Status::Usage, shown, why));
        }
        // An absolute source is read from a working directory that is closed to the user, too.
        let from = if name.as_bytes().starts_with(b"/") { "/" } else { "." };
        let at = rustix::fs::openat(CWD, from, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .or_fail(Status::Failed, "working directory")?;
        Ok(Source { stat, at, name, spelt: spelt.to_owned() })
    }
}
