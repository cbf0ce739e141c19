//! What a restore deletes at the destination. It is written down while the new tree is moved there, and
//! deleted when all of that has been delivered.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd};

use archive::TreePath;
use failure::{Failure, OrFail, Status, shown};
use rustix::fs::{Stat, Timespec, Timestamps, UTIME_OMIT, fstat, futimens};
use rustix::io::{Errno, Result};

use crate::objects::{InodeId, WritableDirectory, inspect, inspect_at, remove};
use crate::staging::Scratch;

/// The objects, in index order.
pub(crate) struct Doomed {
    list: BufWriter<File>,
    which: String,
}

impl Doomed {
    /// An empty list, in a file there.
    pub(crate) fn new(scratch: &Scratch) -> std::result::Result<Doomed, Failure> {
        let which = shown(scratch.path()).to_string();
        Ok(Doomed { list: BufWriter::new(scratch.file()?), which })
    }

    /// Adds an object that is in that directory.
    pub(crate) fn add(
        &mut self,
        path: &TreePath,
        directory: InodeId,
    ) -> std::result::Result<(), Failure> {
        let (major, minor, number) = directory;
        let line =
            [format!("{major} {minor} {number} ").as_bytes(), path.as_bytes(), &[0]].concat();
        self.list.write_all(&line).or_fail(Status::Failed, &self.which)
    }

    /// Deletes all of them below the directory `root`: each is handed to `delete`, with what deletes it.
    pub(crate) fn delete(
        self,
        root: BorrowedFd<'_>,
        mut delete: impl FnMut(
            &TreePath,
            &mut dyn FnMut() -> Result<()>,
        ) -> std::result::Result<(), Failure>,
    ) -> std::result::Result<(), Failure> {
        let Doomed { list, which } = self;
        let list = list.into_inner().map_err(std::io::IntoInnerError::into_error);
        let mut list = BufReader::new(list.or_fail(Status::Failed, &which)?);
        list.rewind().or_fail(Status::Failed, &which)?;
        let mut opened: Option<Opened> = None;
        let mut line = Vec::new();
        while list.read_until(0, &mut line).or_fail(Status::Failed, &which)? > 0 {
            let (directory, path) =
                parse(&line).ok_or(Errno::BADMSG).or_fail(Status::Failed, &which)?;
            let parent = path.parent().unwrap_or_default();
            let name = path.file_name().unwrap_or_default().to_vec();
            delete(&path, &mut || {
                if opened.as_ref().is_none_or(|opened| opened.path != parent) {
                    opened.take().map(Opened::leave).transpose()?;
                    opened = Opened::open(root, &parent, directory)?;
                }
                let opened = opened.as_ref().ok_or(Errno::STALE)?;
                match inspect_at(opened, &name)? {
                    Some(_) => remove(opened.as_fd(), &name),
                    None => Ok(()),
                }
            })?;
            line.clear();
        }
        opened.map(Opened::leave).transpose().map(drop).or_fail(Status::Failed, &which)
    }
}

fn parse(line: &[u8]) -> Option<(InodeId, TreePath)> {
    let mut words = line.strip_suffix(&[0])?.splitn(4, |byte| *byte == b' ');
    let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<u64>().ok();
    let (major, minor) = (u32::try_from(number()?).ok()?, u32::try_from(number()?).ok()?);
    let directory = (major, minor, number()?);
    Some((directory, TreePath::parse(words.next()?).ok()?))
}

/// A directory in which something is deleted.
struct Opened {
    path: TreePath,
    /// The directory, and those above it.
    directories: Vec<WritableDirectory>,
    /// What it was before.
    stat: Stat,
}

impl Opened {
    /// None if it is another directory than it was.
    fn open(root: BorrowedFd<'_>, path: &TreePath, id: InodeId) -> Result<Option<Opened>> {
        let mut directories = vec![WritableDirectory::open(root, b".")?];
        for name in path.components() {
            let above = directories.last().map_or(root, AsFd::as_fd);
            match WritableDirectory::open(above, name) {
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                directory => directories.push(directory?),
            }
        }
        let here = directories.last().map_or(root, AsFd::as_fd);
        if inspect(here)?.id != id {
            return Ok(None);
        }
        let stat = fstat(here)?;
        Ok(Some(Opened { path: path.clone(), directories, stat }))
    }

    /// Gives the directory the time that it had.
    fn leave(self) -> Result<()> {
        let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let tv_nsec = i64::try_from(self.stat.st_mtime_nsec).unwrap_or_default();
        let last_modification = Timespec { tv_sec: self.stat.st_mtime, tv_nsec };
        match futimens(&self, &Timestamps { last_access, last_modification }) {
            // Another user's: it has not got its time before either.
            Err(Errno::PERM | Errno::ACCESS) => Ok(()),
            done => done,
        }
    }
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // There is always one: the root.
        self.directories[self.directories.len() - 1].as_fd()
    }
}
