//! Where a store on this machine is, whatever its path is called: links, mounts and `..` lead to one
//! folder by many names.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, Stat, fstat, openat, readlink};

/// The folder of a `file:` URL; none where the store is of another kind.
pub fn store_folder(url: &str) -> Option<&Path> {
    url.strip_prefix("file://").filter(|path| !path.is_empty()).map(Path::new)
}

/// A directory, as the system tells it from all others: device and inode.
type Id = (u64, u64);

fn id(stat: &Stat) -> Id {
    (stat.st_dev, stat.st_ino)
}

/// The folder of a store on this machine, or, where it is still to be made, the folder above it.
pub struct Place {
    folder: OwnedFd,
    id: Id,
    /// What it will be called in that folder, where it is still to be made.
    name: Option<Vec<u8>>,
}

impl Place {
    /// The place of the store at a URL; none where it is not on this machine, or can't be made.
    pub fn of(url: &str) -> Option<Place> {
        let path = store_folder(url)?;
        if let Ok(folder) = open(CWD, path) {
            return Place::new(folder, None);
        }
        let above = path.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
        Place::new(open(CWD, above).ok()?, Some(path.file_name()?.as_bytes().to_vec()))
    }

    fn new(folder: OwnedFd, name: Option<Vec<u8>>) -> Option<Place> {
        let id = id(&fstat(&folder).ok()?);
        Some(Place { folder, id, name })
    }

    /// The same place in a copy of a device, such as a snapshot of it.
    #[must_use]
    pub fn moved(self, device: u64, copy: u64) -> Place {
        let device = if self.id.0 == device { copy } else { self.id.0 };
        Place { id: (device, self.id.1), ..self }
    }

    /// Whether an entry is this folder; of one that is still to be made that is not known.
    pub fn is(&self, entry: &Stat) -> bool {
        self.name.is_none() && self.id == id(entry)
    }

    /// The path of this folder below a directory, empty where it is that directory; none where it is
    /// elsewhere. One that is mounted elsewhere too is found by one of its paths at most.
    ///
    /// # Errors
    /// A directory above it cannot be examined.
    pub fn below(&self, directory: BorrowedFd<'_>) -> io::Result<Option<PathBuf>> {
        let depth = depth(self.folder.as_fd(), id(&fstat(directory)?))?;
        let Some(depth) = depth else { return Ok(None) };
        let mut path = last(&path_of(self.folder.as_fd())?, depth);
        path.extend(self.name.as_deref().map(OsStr::from_bytes));
        Ok(Some(path))
    }

    /// Whether a directory is this folder or lies below it.
    ///
    /// # Errors
    /// A directory above it cannot be examined.
    pub fn holds(&self, directory: BorrowedFd<'_>) -> io::Result<bool> {
        Ok(self.name.is_none() && depth(directory, self.id)?.is_some())
    }
}

fn open(at: impl AsFd, path: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

/// How many directories above one is the one with that identity.
fn depth(from: BorrowedFd<'_>, wanted: Id) -> io::Result<Option<usize>> {
    let mut directory = open(from, ".")?;
    let mut depth = 0;
    loop {
        let here = id(&fstat(&directory)?);
        if here == wanted {
            return Ok(Some(depth));
        }
        let above = open(&directory, "..")?;
        if id(&fstat(&above)?) == here {
            return Ok(None);
        }
        directory = above;
        depth += 1;
    }
}

/// The path of an open directory, without links.
fn path_of(directory: BorrowedFd<'_>) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
    let path = readlink(link, Vec::new())?;
    Ok(PathBuf::from(OsStr::from_bytes(path.as_bytes())))
}

/// The last components of a path.
fn last(path: &Path, count: usize) -> PathBuf {
    let all = path.components().count();
    path.components().skip(all.saturating_sub(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_store_is_found_below_a_directory_by_any_path() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("src/a/store")).unwrap();
        fs::create_dir(root.join("other")).unwrap();
        symlink("src/a", root.join("link")).unwrap();
        let src = open(CWD, root.join("src")).unwrap();
        let other = open(CWD, root.join("other")).unwrap();
        for (path, below) in [
            ("src/a/store", "a/store"),
            ("link/store/", "a/store"),
            ("other/../src//./a/store", "a/store"),
            ("link/new", "a/new"),
            ("src/new", "new"),
            ("src", ""),
        ] {
            let place = Place::of(&format!("file://{}/{path}", root.display())).unwrap();
            let found = place.below(src.as_fd()).unwrap();
            assert_eq!(found.as_deref(), Some(Path::new(below)), "{path}");
            assert_eq!(place.below(other.as_fd()).unwrap(), None, "{path}");
        }
        let outer = Place::of(&format!("file://{}", root.display())).unwrap();
        assert_eq!(outer.below(src.as_fd()).unwrap(), None);
        assert!(outer.holds(src.as_fd()).unwrap());
        assert!(outer.is(&rustix::fs::stat(root).unwrap()));
    }

    #[test]
    fn a_store_elsewhere_has_no_place_here() {
        for url in ["sftp://barn/srv", "rclone:cloud:srv", "file://", "file:///no/such/folder"] {
            assert!(Place::of(url).is_none(), "{url}");
        }
    }
}
