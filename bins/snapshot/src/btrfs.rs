//! Snapshots of a subvolume of btrfs. They are in a folder of root's at the top of the subvolume, which
//! stays: each new entry beside the user's files would change the time of their directory.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use cli::lifeline::hand_down;
use failure::{Failure, OrFail, Status, shown};
use local::{Mount, SNAPSHOTS, is_snapshot_name};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, fstat, futimens,
    mkdirat, openat, statat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use subvolumes::{ROOT, is_on_btrfs};

use crate::live::{Live, below};
use crate::system::System;
use crate::tool;

/// A subvolume.
pub(crate) struct Btrfs {
    top: OwnedFd,
    /// The source's directory in it.
    path: PathBuf,
    /// The folder of the snapshots.
    folder: OwnedFd,
    /// The folder, as messages name it.
    shown: String,
}

impl Btrfs {
    pub(crate) fn of(live: &Live) -> Result<Btrfs, Failure> {
        if !is_on_btrfs(&live.directory).or_fail(Status::Failed, &live.shown)? {
            let kind =
                Mount::of(&live.directory).map_or_else(|_| String::new(), |mount| mount.kind);
            let on = if kind.is_empty() { String::new() } else { format!(" but on {kind}") };
            return Err(live.refuse(&format!(
                "is not on btrfs{on}, so there is no snapshot of it; use another kind, or none"
            )));
        }
        let (top, depth) = top(live)?;
        let count = live.path.components().count();
        let above: PathBuf = live.path.components().take(count.saturating_sub(depth)).collect();
        let path = live.path.components().skip(count.saturating_sub(depth)).collect();
        let shown = shown(&above.join(SNAPSHOTS)).to_string();
        let folder = folder(&top, &shown)?;
        let found = Btrfs { top, path, folder, shown };
        found.settle()?;
        Ok(found)
    }

    /// Gives the folder the time that it always has: a backup of the subvolume finds nothing new.
    fn settle(&self) -> Result<(), Failure> {
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: 0, tv_nsec: 0 },
        };
        futimens(&self.folder, &times).or_fail(Status::Failed, &self.shown)
    }
}

/// The root of the subvolume, and how many directories the source's is below it.
fn top(live: &Live) -> Result<(OwnedFd, usize), Failure> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let up = |from: &OwnedFd, name: &str| {
        openat(from, name, flags, Mode::empty()).or_fail(Status::Failed, &live.shown)
    };
    let look = |directory: &OwnedFd| fstat(directory).or_fail(Status::Failed, &live.shown);
    let mut directory = up(&live.directory, ".")?;
    let device = look(&directory)?.st_dev;
    let mut depth = 0;
    loop {
        let stat = look(&directory)?;
        if stat.st_dev != device || depth > 0 && stat.st_ino == look(&live.directory)?.st_ino {
            return Err(live.refuse(
                "is below a mount of a part of a subvolume; name it by a path below the whole subvolume",
            ));
        }
        if stat.st_ino == ROOT {
            return Ok((directory, depth));
        }
        directory = up(&directory, "..")?;
        depth += 1;
    }
}

/// The folder of the snapshots, which only root may enter: nobody else can put another one in its place
/// that would be deleted.
fn folder(top: &OwnedFd, shown: &str) -> Result<OwnedFd, Failure> {
    match mkdirat(top, SNAPSHOTS, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error).or_fail(Status::Failed, shown),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(top, SNAPSHOTS, flags, Mode::empty()).or_fail(Status::Failed, shown)?;
    let stat = fstat(&folder).or_fail(Status::Failed, shown)?;
    let device = fstat(top).or_fail(Status::Failed, shown)?.st_dev;
    if stat.st_uid != geteuid().as_raw() || stat.st_mode & 0o077 != 0 || stat.st_dev != device {
        let why = "is not a folder that only root may enter; move it away";
        return Err(Failure::of(Status::Failed, shown, why));
    }
    Ok(folder)
}

impl System for Btrfs {
    fn lock(&self) -> Result<OwnedFd, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&self.folder, ".", flags, Mode::empty()).or_fail(Status::Failed, &self.shown)
    }

    fn snapshots(&self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.folder).or_fail(Status::Failed, &self.shown)? {
            let entry = entry.or_fail(Status::Failed, &self.shown)?;
            let name = entry.file_name().to_str().ok().filter(|name| is_snapshot_name(name));
            names.extend(name.map(str::to_owned));
        }
        Ok(names)
    }

    fn make(&self, name: &str) -> Result<(), Failure> {
        let (top, folder) = (inherited(&self.top)?, inherited(&self.folder)?);
        let into = through(&folder, name);
        let words: [OsString; 6] = [
            "subvolume".into(),
            "snapshot".into(),
            "-r".into(),
            "--".into(),
            through(&top, "."),
            into,
        ];
        let made = tool::run("btrfs", &words);
        self.settle()?;
        made.map(drop)
    }

    fn open(&self, name: &str) -> Result<OwnedFd, Failure> {
        let path = Path::new(name).join(&self.path);
        let lost = "the snapshot lacks the source; it was moved just now, try again";
        below(&self.folder, &path).map_err(|_| Failure::of(Status::Failed, &self.shown, lost))
    }

    fn delete(&self, name: &str) -> Result<(), Failure> {
        let stat = match statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error).or_fail(Status::Failed, &self.shown),
        };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if !is_directory || stat.st_ino != ROOT {
            let which = format!("{}/{name}", self.shown);
            return Err(Failure::of(Status::Failed, which, "is no snapshot; it stays"));
        }
        let deleted = subvolumes::delete(&self.folder, name);
        self.settle()?;
        deleted.or_fail(Status::Failed, format!("{}/{name}", self.shown))
    }
}

fn inherited(directory: &OwnedFd) -> Result<OwnedFd, Failure> {
    hand_down(directory).or_fail(Status::Failed, "a descriptor")
}

/// A path in an open directory that a program inherits: nobody can put another directory in its place.
fn through(directory: &OwnedFd, name: &str) -> OsString {
    format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()).into()
}
