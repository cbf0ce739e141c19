//! Where in the new tree we are: a stack of open directories.
//!
//! Every object is reached by a single name in an open directory, and a directory is entered only
//! if it is one: no path of an archive leads out of the tree. A directory gets its metadata when
//! it is left, since what happens in it would change them.
//!
//! In some directories two names can be one object (exFAT, FAT, NTFS for Windows, ext4 with casefold), or
//! an object gets another name than the one that was asked for (NTFS without regard to case, FAT for a dot
//! at the end).

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use archive::TreePath;
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, mkdirat, openat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::metadata::{Metadata, MetadataWarnings};
use crate::staging::{TREE, TRIED};

/// What is deeper is left out: an old or a forged set can hold it.
const DEEPEST: usize = 4096;
/// Handles that such a tree takes: one a directory, and two when it is removed.
const HANDLES: u64 = 2 * DEEPEST as u64 + OTHERS;
/// Handles of other files.
const OTHERS: u64 = 40;

/// The open directories from the staging folder down.
pub(crate) struct Cursor {
    staging: OwnedFd,
    /// Where the last frame is; the root where there is none.
    path: TreePath,
    frames: Vec<Frame>,
    /// How many directories may be open.
    deepest: usize,
    /// What the file system makes of names.
    folding: Folding,
    /// What could not be given back as it was.
    pub(crate) warnings: MetadataWarnings,
}

struct Frame {
    directory: OwnedFd,
    metadata: Metadata,
    spelled: Spelled,
}

impl Cursor {
    pub(crate) fn new(staging: OwnedFd) -> Result<Cursor, Failure> {
        let deepest = allow_handles();
        let folding = Folding::of(staging.as_fd()).or_fail(Status::Failed, "staging folder")?;
        Ok(Cursor {
            staging,
            deepest,
            folding,
            path: TreePath::root(),
            frames: Vec::new(),
            warnings: MetadataWarnings::default(),
        })
    }

    /// The staging folder, in a handle of its own.
    pub(crate) fn staging(&self) -> Result<OwnedFd, Failure> {
        self.staging.try_clone().or_fail(Status::Failed, "staging folder")
    }

    /// Whether a path is deeper than the cursor can go.
    pub(crate) fn is_too_deep(&self, path: &TreePath) -> bool {
        // A path of so many bytes can't have more components.
        path.as_bytes().len() / 2 + 1 >= self.deepest && path.depth() >= self.deepest
    }

    /// Whether the name of `path` leads to another object here, whose name differs from it only
    /// in what the file system ignores.
    pub(crate) fn is_taken(&mut self, path: &TreePath) -> Result<bool, Failure> {
        let Some(name) = path.file_name().filter(|_| self.folding.folds) else {
            return Ok(false);
        };
        if !self.go(&path.parent().unwrap_or_default())? {
            return Ok(false);
        }
        self.is_taken_here(name, path)
    }

    /// Whether the file system would give an object of that name another one.
    pub(crate) fn is_altered(&self, path: &TreePath) -> Result<bool, Failure> {
        let name = path.file_name().unwrap_or(TREE);
        self.folding.alters(name).or_fail(Status::Failed, path)
    }

    fn is_taken_here(&mut self, name: &[u8], path: &TreePath) -> Result<bool, Failure> {
        match self.frames.last_mut() {
            Some(Frame { directory, spelled, .. }) if self.folding.folds => {
                spelled.is_taken(directory, name).or_fail(Status::Failed, path)
            }
            _ => Ok(false),
        }
    }

    /// Notes that a name in the directory where the cursor is, is given to an object or is none's
    /// any more.
    pub(crate) fn note(&mut self, name: &[u8], made: bool) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        if made { frame.spelled.made(name) } else { frame.spelled.gone(name) }
    }

    /// The directory that holds `path`, and the name there; none where there is no such
    /// directory.
    pub(crate) fn parent<'p>(
        &mut self,
        path: &'p TreePath,
    ) -> Result<Option<(BorrowedFd<'_>, &'p [u8])>, Failure> {
        let Some(name) = path.file_name() else {
            self.leave_to(None)?;
            return Ok(Some((self.staging.as_fd(), TREE)));
        };
        let parent = path.parent().unwrap_or_default();
        if !self.go(&parent)? {
            return Ok(None);
        }
        Ok(Some((self.here(), name)))
    }

    /// The directory that holds `path`, and the name there, without a move of the cursor; none
    /// where there is no such directory.
    pub(crate) fn find<'p>(&self, path: &'p TreePath) -> Option<(OwnedFd, &'p [u8])> {
        let name = path.file_name()?;
        let above = path.parent().unwrap_or_default();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut directory = self.staging.try_clone().ok()?;
        for step in std::iter::once(TREE).chain(above.components()) {
            directory = openat(&directory, step, flags, Mode::empty()).ok()?;
        }
        Some((directory, name))
    }

    /// The directory `path`, without a move of the cursor; none where there is no such directory.
    pub(crate) fn find_directory(&self, path: &TreePath) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = match path.is_root() {
            true => (self.staging.try_clone().ok()?, TREE),
            false => self.find(path)?,
        };
        openat(parent, name, flags, Mode::empty()).ok()
    }

    /// Enters the directory `path`, which is in the one that the cursor is in, and remembers what
    /// it is to look like when it is left.
    pub(crate) fn enter(
        &mut self,
        path: &TreePath,
        metadata: Option<Metadata>,
    ) -> Result<bool, Failure> {
        let name = path.file_name().unwrap_or(TREE);
        if self.frames.len() >= self.deepest || self.is_taken_here(name, path)? {
            return Ok(false);
        }
        let opened = open_directory(self.here(), name).or_fail(Status::Failed, path)?;
        let Some((directory, found)) = opened else {
            return Ok(false);
        };
        let metadata = metadata.unwrap_or(found);
        self.frames.push(Frame { directory, metadata, spelled: Spelled::default() });
        self.path.clone_from(path);
        Ok(true)
    }

    /// Leaves all directories.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.leave_to(None)
    }

    /// Makes `directory` the one that the cursor is in; false where there is no such directory.
    fn go(&mut self, directory: &TreePath) -> Result<bool, Failure> {
        self.leave_to(Some(directory))?;
        if self.frames.is_empty() && !self.enter(&TreePath::root(), None)? {
            return Ok(false);
        }
        let mut path = self.path.clone();
        let below = directory.strip_prefix(&path).unwrap_or_default();
        for name in below.components() {
            path = path.child(name);
            if !self.enter(&path, None)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Leaves the directories that are not on the way to `directory`.
    fn leave_to(&mut self, directory: Option<&TreePath>) -> Result<(), Failure> {
        while let Some(frame) = self.frames.last() {
            if directory.is_some_and(|directory| directory.starts_with(&self.path)) {
                return Ok(());
            }
            let given = frame.metadata.set(&frame.directory).or_fail(Status::Failed, &self.path)?;
            self.warnings.add(&self.path, given);
            self.frames.pop();
            self.path = self.path.parent().unwrap_or_default();
        }
        Ok(())
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.frames.last().map_or(self.staging.as_fd(), |frame| frame.directory.as_fd())
    }
}

/// Asks for as many handles as the deepest tree takes. Returns how many directories may be open.
fn allow_handles() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < HANDLES) else {
        return DEEPEST;
    };
    let most = limit.maximum.map_or(HANDLES, |most| most.min(HANDLES));
    let allowed = setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..limit });
    let handles = if allowed.is_ok() { most } else { current };
    usize::try_from(handles.saturating_sub(OTHERS)).map_or(DEEPEST, |fit| fit.clamp(8, DEEPEST))
}

/// Opens a directory so that we can work in it, and tells what it looked like; none where the
/// name is none of a directory.
pub(crate) fn open_directory(
    parent: BorrowedFd<'_>,
    name: &[u8],
) -> rustix::io::Result<Option<(OwnedFd, Metadata)>> {
    let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        stat => stat?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(None);
    }
    if stat.st_mode & 0o700 != 0o700 {
        // Where modes can't be set, opening it tells whether that matters.
        let _ = rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(parent, name, flags, Mode::empty())?;
    Ok(Some((directory, Metadata::found(&stat))))
}

/// The names in a directory, sorted.
pub(crate) fn names(directory: &OwnedFd) -> rustix::io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        names.push(entry?.file_name().to_bytes().to_owned());
    }
    names.retain(|name| name != b"." && name != b"..");
    names.sort();
    Ok(names)
}

const PLAIN: &[u8] = b"moo-fold-a";
const CAPITALS: &[u8] = b"MOO-FOLD-A";
const COMPOSED: &[u8] = "moo-fold-\u{e9}".as_bytes();
const DECOMPOSED: &[u8] = "moo-fold-e\u{301}".as_bytes();
/// Names to make, and others that may lead to the same object.
const FOLDED_PAIRS: [(&[u8], &[u8]); 6] = [
    (PLAIN, CAPITALS),
    (CAPITALS, PLAIN),
    (COMPOSED, DECOMPOSED),
    (DECOMPOSED, COMPOSED),
    (b"moo-fold-a.", PLAIN),
    (b"moo-fold-a ", PLAIN),
];

/// What a file system makes of names.
pub(crate) struct Folding {
    /// Whether two names can be one object.
    pub(crate) folds: bool,
    /// Where names are tried, if an object may get another one than that which was asked for.
    tried: Option<OwnedFd>,
}

impl Folding {
    /// Probes the file system of the staging folder. Directories below it inherit it.
    pub(crate) fn of(staging: BorrowedFd<'_>) -> rustix::io::Result<Folding> {
        let tried = probe_directory(staging)?;
        let mut folding = Folding { folds: false, tried: None };
        let mut alters = false;
        for (name, other) in FOLDED_PAIRS {
            // A name that is not allowed is named when an entry has it.
            let _ = make_file(&tried, name);
            folding.folds |= exists(tried.as_fd(), other);
            alters |= is_altered(&tried, name)?;
            clear(&tried, name)?;
        }
        if alters {
            folding.folds = true;
            folding.tried = Some(tried);
        } else {
            unlinkat(staging, TRIED, AtFlags::REMOVEDIR)?;
        }
        Ok(folding)
    }

    /// Whether an object of that name would get another one.
    pub(crate) fn alters(&self, name: &[u8]) -> rustix::io::Result<bool> {
        let Some(tried) = &self.tried else { return Ok(false) };
        if make_file(tried, name).is_err() {
            return Ok(false);
        }
        let altered = is_altered(tried, name);
        clear(tried, name)?;
        altered
    }
}

fn probe_directory(staging: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    mkdirat(staging, TRIED, Mode::RWXU)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(staging, TRIED, flags, Mode::empty())
}

fn make_file(tried: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(tried, name, flags, Mode::RUSR | Mode::WUSR).map(drop)
}

/// Whether the one object there has another name than that by which it was made. What a listing shows
/// that comes out of a cache is gone already.
fn is_altered(tried: &OwnedFd, name: &[u8]) -> rustix::io::Result<bool> {
    let found = names(tried)?;
    let is_listed = found.iter().any(|found| found == name);
    Ok(!is_listed && found.iter().any(|found| exists(tried.as_fd(), found)))
}

fn clear(tried: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
    match unlinkat(tried, name, AtFlags::empty()) {
        Err(Errno::NOENT | Errno::INVAL | Errno::ILSEQ | Errno::NAMETOOLONG) => Ok(()),
        removed => removed,
    }
}

fn exists(directory: BorrowedFd<'_>, name: &[u8]) -> bool {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// The names in a directory that folds them, as they are spelled there.
#[derive(Debug, Default)]
pub(crate) struct Spelled(Option<HashSet<Vec<u8>>>);

impl Spelled {
    /// Whether a name leads to an object that has another one.
    pub(crate) fn is_taken(
        &mut self,
        directory: &OwnedFd,
        name: &[u8],
    ) -> rustix::io::Result<bool> {
        if !exists(directory.as_fd(), name) {
            return Ok(false);
        }
        if self.0.is_none() {
            self.0 = Some(names(directory)?.into_iter().collect());
        }
        Ok(self.0.as_ref().is_some_and(|names| !names.contains(name)))
    }

    /// A name is given to an object.
    pub(crate) fn made(&mut self, name: &[u8]) {
        if let Some(names) = &mut self.0 {
            names.insert(name.to_vec());
        }
    }

    /// A name is no object's any more.
    pub(crate) fn gone(&mut self, name: &[u8]) {
        if let Some(names) = &mut self.0 {
            names.remove(name);
        }
    }
}
