//! The source as it is now.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status, shown};
use local::{path_of, source_name};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, statat};

/// The source, opened: a directory, or the directory that a file is in.
pub(crate) struct Live {
    /// As messages name the source.
    pub(crate) shown: String,
    pub(crate) directory: OwnedFd,
    /// The directory's path, from the root and without links.
    pub(crate) path: PathBuf,
    /// The name of the source in the directory; `.` for the directory itself.
    pub(crate) entry: OsString,
}

impl Live {
    /// # Errors
    /// There is no such object, or it is a symbolic link.
    pub(crate) fn open(spelt: &OsStr) -> Result<Live, Failure> {
        let name = OsString::from_vec(source_name(spelt.as_bytes()));
        let shown = shown(&name).to_string();
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let object = openat(CWD, &name, flags, Mode::empty()).or_fail(Status::Failed, &shown)?;
        let stat = fstat(&object).or_fail(Status::Failed, &shown)?;
        let path = path_of(&object).or_fail(Status::Failed, &shown)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                return Ok(Live { shown, directory: object, path, entry: ".".into() });
            }
            FileType::Symlink => {
                let why = "is a symbolic link (name what it points to)";
                return Err(Failure::of(Status::Usage, shown, why));
            }
            _ => {}
        }
        let (Some(above), Some(entry)) = (path.parent(), path.file_name()) else {
            return Err(Failure::of(Status::Failed, shown, "has no directory"));
        };
        let directory = openat(CWD, above, flags | OFlags::DIRECTORY, Mode::empty())
            .or_fail(Status::Failed, &shown)?;
        let found =
            statat(&directory, entry, AtFlags::SYMLINK_NOFOLLOW).or_fail(Status::Failed, &shown)?;
        if (found.st_dev, found.st_ino) != (stat.st_dev, stat.st_ino) {
            return Err(Failure::of(Status::Failed, shown, "was replaced just now; try again"));
        }
        let (path, entry) = (above.to_owned(), entry.to_owned());
        Ok(Live { shown, directory, path, entry })
    }

    /// The source by its path from the root.
    pub(crate) fn absolute(&self) -> PathBuf {
        if self.entry == "." { self.path.clone() } else { self.path.join(&self.entry) }
    }

    /// That, with the source in front.
    pub(crate) fn refuse(&self, why: &str) -> Failure {
        Failure::of(Status::Usage, &self.shown, why)
    }
}

/// The directory at a path below another one, which leads through no link.
///
/// # Errors
/// It is not there.
pub(crate) fn below(top: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut directory = openat(top, ".", flags, Mode::empty())?;
    for component in path.components() {
        directory = openat(&directory, component.as_os_str(), flags, Mode::empty())?;
    }
    Ok(directory)
}
