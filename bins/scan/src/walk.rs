//! Walking the tree in index order: depth first, the names of each directory sorted by their
//! bytes. Every object is reached through the open directory above it, so that a path that is
//! swapped meanwhile leads nowhere else, and names can nest deeper than a path can be long.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::vec;

use archive::TreePath;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::source::Source;

/// What the walk has come to.
pub(crate) struct Found {
    /// Where it is in the source.
    pub(crate) path: TreePath,
    /// What the system says of it; an error where it says nothing.
    pub(crate) stat: io::Result<Stat>,
    /// Whether the names in it are known, where it is a directory.
    pub(crate) listed: io::Result<()>,
}

/// A walk over the source.
pub(crate) struct Walk {
    source: Option<Source>,
    /// The directory that the last found object is in, and its name there.
    here: Option<OwnedFd>,
    name: Vec<u8>,
    frames: Vec<Frame>,
}

/// A directory that is being walked.
struct Frame {
    directory: OwnedFd,
    path: TreePath,
    names: vec::IntoIter<Vec<u8>>,
}

impl Walk {
    /// A walk that starts with the source itself.
    pub(crate) fn new(source: Source) -> Walk {
        allow_deep_trees();
        Walk { source: Some(source), here: None, name: Vec::new(), frames: Vec::new() }
    }

    /// The next object; none at the end.
    pub(crate) fn advance(&mut self) -> Option<Found> {
        if let Some(source) = self.source.take() {
            self.name = source.name.as_bytes().to_vec();
            self.here = Some(source.at);
            return Some(self.found(TreePath::root(), Ok(source.stat)));
        }
        loop {
            let frame = self.frames.last_mut()?;
            let Some(name) = frame.names.next() else {
                self.frames.pop();
                continue;
            };
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            let stat = rustix::fs::statat(&frame.directory, name.as_slice(), flags);
            let path = frame.path.child(&name);
            self.name = name;
            return Some(self.found(path, stat.map_err(io::Error::from)));
        }
    }

    /// Opens the object found last for reading, if it is still a regular file.
    pub(crate) fn open(&self) -> io::Result<OwnedFd> {
        // Not to wait for a writer, should the file have become a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |extra| {
            rustix::fs::openat(self.at()?, self.name.as_slice(), flags | extra, Mode::empty())
                .map_err(io::Error::from)
        };
        // Reading is no access that its owner wants to see; others may not hide theirs.
        let file = open(OFlags::NOATIME).or_else(|_| open(OFlags::empty()))?;
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            return Ok(file);
        }
        Err(io::Error::other("was replaced by another object"))
    }

    /// Where the symbolic link found last points to.
    pub(crate) fn read_link(&self) -> io::Result<Vec<u8>> {
        let target = rustix::fs::readlinkat(self.at()?, self.name.as_slice(), Vec::new())?;
        Ok(target.into_bytes())
    }

    fn found(&mut self, path: TreePath, stat: io::Result<Stat>) -> Found {
        let is_directory = matches!(&stat, Ok(stat)
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
        let listed = if is_directory { self.enter(&path) } else { Ok(()) };
        Found { path, stat, listed }
    }

    /// Makes the directory found last the next to be walked.
    fn enter(&mut self, path: &TreePath) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(self.at()?, self.name.as_slice(), flags, Mode::empty())?;
        let names = sorted_names(directory.as_fd())?.into_iter();
        self.frames.push(Frame { directory, path: path.clone(), names });
        Ok(())
    }

    fn at(&self) -> io::Result<BorrowedFd<'_>> {
        let frame = self.frames.last().map(|frame| frame.directory.as_fd());
        let at = frame.or(self.here.as_ref().map(AsFd::as_fd));
        at.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn sorted_names(directory: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Lets the walk hold as many directories open as the system allows: one a level.
fn allow_deep_trees() {
    let limit = getrlimit(Resource::Nofile);
    // Should it fail, only trees deeper than the limit come out with an error.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
