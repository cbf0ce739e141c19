//! The folder in which the tree is built.
//!
//! It stands in a directory that another user may be able to write to, who can then rename it or
//! put something else in its place at any moment. So it is made, entered and checked once, and from
//! then on reached by its open handle alone; its name is looked up again only to delete it when it
//! is empty. Nobody else can enter it.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cli::note::{self, Note};
use failure::{Failure, OrFail, Status, shown};
use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, fchmod, flock, fstat, mkdirat, openat, unlinkat,
};
use rustix::io::{Errno, Result};
use rustix::process::geteuid;

use crate::objects::{InodeId, ObjectInfo, inspect, inspect_at, is_empty, remove};
use crate::trusted_path;

/// The name of the tree in the folder.
pub(crate) const TREE: &[u8] = b"tree";
/// The name of a file while its delta is applied.
pub(crate) const PATCHED: &[u8] = b"patched";
/// The name of a new hard link, before it gets its own.
pub(crate) const LINKED: &[u8] = b"linked";
/// The name that a file without a name has for a moment where the system can't make one without.
const SCRATCH: &[u8] = b"scratch";
/// The directory in which names are tried.
pub(crate) const TRIED: &[u8] = b"tried";
/// Where an object of the destination goes if it can't be exchanged for the new one.
pub(crate) const REPLACED: &[u8] = b"replaced";
/// The directory of objects that get another path.
pub(crate) const RENAMED: &[u8] = b"renamed";
/// An empty file by which a folder that was left behind is known: only who may write to the folder
/// can have made it.
const MARK: &[u8] = b"moo-patch";
/// All names in the folder, the mark last.
const NAMES: [&[u8]; 8] = [TREE, REPLACED, PATCHED, LINKED, SCRATCH, TRIED, RENAMED, MARK];
/// Bytes of the destination's name in that of the folder, which may not be too long.
const MOST_OF_NAME: usize = 120;
/// Characters of a random name.
const RANDOM: usize = 6;
/// How often another name is tried.
const TRIES: usize = 32;

/// The folder. It is deleted when it is dropped, with what is in it.
pub(crate) struct Staging {
    parent: OwnedFd,
    /// Locked as long as this process lives, so that a folder that was left behind is known.
    folder: OwnedFd,
    name: String,
    id: InodeId,
    path: PathBuf,
    /// Whether the folder stays, for the next restore to resume from.
    stays: bool,
    /// Whether it holds what the next restore could resume from.
    resumable: Cell<bool>,
}

impl Staging {
    /// A folder in an open directory, which messages call `shown`, for a destination of that name.
    /// Those that killed runs have left there for the same destination are deleted.
    pub(crate) fn make(
        parent: OwnedFd,
        shown: &Path,
        destination: &OsStr,
    ) -> std::result::Result<Staging, Failure> {
        let prefix = prefix(destination);
        remove_leftovers(&parent, shown, leftovers(&parent, &prefix));
        for _ in 0..TRIES {
            let name = format!("{prefix}{}", random());
            if let Ok(path) = std::path::absolute(shown.join(&name)) {
                note::leave(&Note::Staging(path));
            }
            match mkdirat(&parent, &name, Mode::RWXU) {
                Err(Errno::EXIST) => continue,
                made => made.or_fail(Status::Failed, failure::shown(shown))?,
            }
            let path = shown.join(&name);
            let taken = take(&parent, &name).inspect_err(|_| {
                let _ = unlinkat(&parent, &name, AtFlags::REMOVEDIR);
            });
            if let Some((folder, id)) = taken.or_fail(Status::Failed, failure::shown(&path))? {
                return Ok(Staging {
                    parent,
                    folder,
                    name,
                    id,
                    path,
                    stays: false,
                    resumable: Cell::default(),
                });
            }
        }
        let why = "another user replaces what is created here; restore to a directory of your own";
        Err(Failure::of(Status::Failed, failure::shown(shown), why))
    }

    /// A folder that a run has left there for a destination of that name, if there is one that is provably
    /// such a folder, and that nobody works in. Only its tree stays. All others of killed runs are deleted.
    pub(crate) fn resume(
        parent: OwnedFd,
        shown: &Path,
        destination: &OsStr,
    ) -> std::result::Result<Option<Staging>, Failure> {
        let mut left = leftovers(&parent, &prefix(destination));
        left.sort();
        let taken = left.iter().enumerate().find_map(|(at, name)| {
            let (folder, id) = take_over(&parent, name.as_bytes()).ok()??;
            Some((at, folder, id))
        });
        let Some((at, folder, id)) = taken else { return Ok(None) };
        let name = left.remove(at);
        remove_leftovers(&parent, shown, left);
        let (path, stays, resumable) = (shown.join(&name), false, Cell::default());
        let left = Staging { parent, folder, name, id, path, stays, resumable };
        left.note_resumable(true)?;
        Ok(Some(left))
    }

    /// Leaves the folder where it is: the next restore to the same destination resumes from it.
    pub(crate) fn leave(mut self) {
        self.stays = true;
    }

    /// Leaves the folder where it is when this is dropped.
    pub(crate) fn stay(&mut self) {
        self.stays = true;
    }

    /// Whether the next run can resume from the tree.
    pub(crate) fn is_resumable(&self) -> bool {
        self.resumable.get()
    }

    /// Notes for the supervisor that the folder is to stay if the command is ended, as soon as there is a
    /// directory to resume from.
    pub(crate) fn note_resumable(&self, is_resumable: bool) -> std::result::Result<(), Failure> {
        if !is_resumable || self.resumable.get() || self.tree_directory()?.is_none() {
            return Ok(());
        }
        self.resumable.set(true);
        if let Ok(path) = std::path::absolute(&self.path) {
            note::leave(&Note::Resumable(path));
        }
        Ok(())
    }

    /// A folder for a tree that is not to be delivered, among the temporary files.
    pub(crate) fn temporary() -> std::result::Result<Staging, Failure> {
        let parent = std::env::temp_dir();
        let opened = trusted_path::open(&parent, false);
        let opened = opened.map_err(|why| Failure::new(why.status(), format!("TMPDIR: {why}")))?;
        Staging::make(opened, &parent, OsStr::new("verify"))
    }

    /// Deletes a folder that a run has left which was ended, as far as it is provably one.
    pub(crate) fn delete(path: &Path) -> std::result::Result<(), Failure> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
        let end = name.as_bytes().len().saturating_sub(RANDOM);
        let (start, end) = name.as_bytes().split_at(end);
        if !start.starts_with(b".") || !start.ends_with(b".moo-") || !is_random(end) {
            return Ok(());
        }
        let parent = trusted_path::open(parent, false)?;
        remove_leftover(&parent, name.as_bytes()).map(drop).or_fail(Status::Failed, shown(&path))
    }

    /// Where it was made.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder itself, in a handle of its own.
    pub(crate) fn open(&self) -> std::result::Result<OwnedFd, Failure> {
        self.folder.try_clone().or_fail(Status::Failed, shown(&self.path))
    }

    /// Which directory it is.
    pub(crate) fn id(&self) -> InodeId {
        self.id
    }

    /// Where it makes files without names.
    pub(crate) fn scratch(&self) -> std::result::Result<Scratch, Failure> {
        Ok(Scratch::new(self.open()?, &self.path))
    }

    /// The root of what has been built; `None` if nothing has been.
    pub(crate) fn tree(&self) -> std::result::Result<Option<ObjectInfo>, Failure> {
        inspect_at(&self.folder, TREE).or_fail(Status::Failed, shown(&self.path))
    }

    /// The root of what has been built, opened, if it is a directory.
    pub(crate) fn tree_directory(&self) -> std::result::Result<Option<OwnedFd>, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.folder, TREE, flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            opened => opened.map(Some).or_fail(Status::Failed, shown(&self.path)),
        }
    }

    /// Whether there is something to deliver.
    pub(crate) fn has_tree(&self) -> std::result::Result<bool, Failure> {
        self.tree().map(|tree| tree.is_some())
    }

    fn clear(&self) -> Result<()> {
        empty(&self.folder)?;
        match inspect_at(&self.parent, self.name.as_bytes())? {
            Some(there) if there.id == self.id => {
                unlinkat(&self.parent, &self.name, AtFlags::REMOVEDIR)
            }
            // Another user has renamed it: it is empty, and his.
            _ => Ok(()),
        }
    }
}

impl AsFd for Staging {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Err(failure) = self.clear().or_fail(Status::Failed, "could not be deleted") {
            log::warn!("{}: {failure}", shown(&self.path));
        }
    }
}

/// Enters a folder that has just been made, and locks and tombstones it. `None` if it is not the one
/// that was made.
fn take(parent: &OwnedFd, name: &str) -> Result<Option<(OwnedFd, InodeId)>> {
    let Some((folder, look)) = enter(parent, name.as_bytes())? else {
        return Ok(None);
    };
    if !is_empty(folder.as_fd())? || !is_ours(&folder, &look)? {
        return Ok(None);
    }
    // Some file systems have one mode for all that they hold.
    let _ = fchmod(&folder, Mode::RWXU);
    // Some know no locks. Another run that takes it for a leftover has it locked already.
    if lock(&folder) == Err(Errno::AGAIN) {
        return Ok(None);
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(&folder, MARK, flags, Mode::RUSR | Mode::WUSR) {
        // Such a run has deleted it.
        Err(Errno::NOENT) => Ok(None),
        marked => marked.map(|_| Some((folder, look.id))),
    }
}

/// Opens a directory that is no mount point; `None` if the name is none of such a directory.
fn enter(parent: &OwnedFd, name: &[u8]) -> Result<Option<(OwnedFd, ObjectInfo)>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        folder => folder?,
    };
    let look = inspect(&folder)?;
    Ok(Some((folder, look)).filter(|_| !look.mount))
}

/// Whether a folder that has just been made belongs to the caller. Some file systems give all that
/// is made in them to somebody else: there a file in it has the owner of the folder, too.
fn is_ours(folder: &OwnedFd, look: &ObjectInfo) -> Result<bool> {
    if look.owner == geteuid().as_raw() {
        return Ok(true);
    }
    let file = make_unnamed(folder)?;
    Ok(fstat(&file)?.st_uid == look.owner)
}

/// Deletes what such a folder has, and goes on past what it can't delete.
fn empty(folder: &OwnedFd) -> Result<()> {
    let mut done = Ok(());
    for name in NAMES {
        done = done.and(remove(folder.as_fd(), name));
    }
    done
}

fn lock(folder: &OwnedFd) -> Result<()> {
    flock(folder, FlockOperation::NonBlockingLockExclusive)
}

/// What the names of the folders for a destination begin with.
fn prefix(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let most = (0..=MOST_OF_NAME).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    format!(".{}.moo-", name.get(..most).unwrap_or(&name))
}

/// The end of a folder's name.
fn random() -> String {
    let mut number = RandomState::new().hash_one(0);
    let mut end = String::new();
    while end.len() < RANDOM {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        end.extend(char::from_digit(digit, 36));
        number /= 36;
    }
    end
}

/// Whether a folder's name may end like that.
fn is_random(end: &[u8]) -> bool {
    end.len() == RANDOM && end.iter().all(u8::is_ascii_alphanumeric)
}

/// Deletes those of the folders that killed runs have left: nobody locks them any more.
fn remove_leftovers(parent: &OwnedFd, shown: &Path, names: Vec<String>) {
    for name in names {
        let path = shown.join(&name);
        match remove_leftover(parent, name.as_bytes()) {
            Ok(Leftover::Deleted) => {
                log::info!("{}: leftover of a killed run, deleted", failure::shown(&path));
            }
            // Version 0.1.0 left no mark, and may have moved the old destination in there.
            Ok(Leftover::Unmarked) => {
                let why = "left by an interrupted restore of version 0.1.0, it seems; look into it, \
                    and delete it";
                log::warn!("{}: {why}", failure::shown(&path));
            }
            _ => {}
        }
    }
}

/// The names in a directory that staging folders with that prefix can have.
fn leftovers(parent: &OwnedFd, prefix: &str) -> Vec<String> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let listed = openat(parent, ".", flags, Mode::empty()).and_then(Dir::new);
    let names = listed.into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().to_bytes();
        let named = name.strip_prefix(prefix.as_bytes()).is_some_and(is_random);
        named.then(|| String::from_utf8(name.to_vec()).ok()).flatten()
    });
    names.collect()
}

/// Enters and locks a folder that a run has left, and deletes what is in it but the tree. None if it is not
/// provably such a folder.
fn take_over(parent: &OwnedFd, name: &[u8]) -> Result<Option<(OwnedFd, InodeId)>> {
    let Some((folder, look)) = enter(parent, name)? else { return Ok(None) };
    if look.owner != geteuid().as_raw() || lock(&folder).is_err() {
        return Ok(None);
    }
    let mode = fstat(&folder)?.st_mode & 0o777;
    let is_marked = inspect_at(&folder, MARK)?.is_some_and(|mark| mark.owner == look.owner);
    let has_tree = inspect_at(&folder, TREE)?.is_some();
    // Somebody else could have put something into one that others may enter.
    if !is_marked || !has_tree || mode != Mode::RWXU.bits() {
        return Ok(None);
    }
    for name in NAMES.into_iter().filter(|name| ![TREE, MARK].contains(name)) {
        remove(folder.as_fd(), name)?;
    }
    Ok(Some((folder, look.id)))
}

/// What became of a folder with such a name.
#[derive(Debug, PartialEq, Eq)]
enum Leftover {
    Deleted,
    /// It belongs to the caller, but nothing shows that a run has left it.
    Unmarked,
    /// It is another user's, or of a run that lives.
    Other,
}

/// Deletes a folder if a killed run has left it. Another user may have given its name to any
/// directory: only one with the mark is emptied.
fn remove_leftover(parent: &OwnedFd, name: &[u8]) -> Result<Leftover> {
    let Some((folder, look)) = enter(parent, name)? else {
        return Ok(Leftover::Other);
    };
    if look.owner != geteuid().as_raw() || lock(&folder).is_err() {
        return Ok(Leftover::Other);
    }
    if inspect_at(&folder, MARK)?.is_some_and(|mark| mark.owner == look.owner) {
        empty(&folder)?;
    } else if !is_empty(folder.as_fd())? {
        return Ok(Leftover::Unmarked);
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)?;
    Ok(Leftover::Deleted)
}

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
        make_unnamed(&self.folder).map(File::from).or_fail(Status::Failed, shown(&self.path))
    }
}

/// Makes a file without a name in a folder.
fn make_unnamed(folder: impl AsFd) -> Result<OwnedFd> {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn staging(parent: &Path) -> Staging {
        Staging::make(trusted_path::open(parent, true).unwrap(), parent, OsStr::new("out")).unwrap()
    }

    #[test]
    fn the_folder_of_a_long_name_has_a_name_that_fits() {
        let long = "\u{1f404}".repeat(60);
        assert_eq!(prefix(OsStr::new(&long)), format!(".{}.moo-", "\u{1f404}".repeat(30)));
        assert_eq!(prefix(OsStr::new("etc")), ".etc.moo-");
        assert!(prefix(OsStr::from_bytes(&[0xff; 255])).len() < 130);
    }

    #[test]
    fn only_folders_that_nobody_locks_and_that_are_marked_are_left_over() {
        let parent = tempfile::tempdir().unwrap();
        let alive = staging(parent.path());
        let at = |name: &str| parent.path().join(name);
        for dead in [".out.moo-abc123", ".out.moo-abc124", ".out.moo-abc125"] {
            fs::create_dir_all(at(dead)).unwrap();
        }
        for dead in [".out.moo-abc123", ".out.moo-abc124"] {
            fs::create_dir_all(at(dead).join("tree/below")).unwrap();
        }
        fs::write(at(".out.moo-abc123/moo-patch"), "").unwrap();
        let second = staging(parent.path());
        assert!(alive.path().exists() && second.path() != alive.path());
        assert!(!at(".out.moo-abc123").exists() && !at(".out.moo-abc125").exists());
        assert!(at(".out.moo-abc124/tree/below").exists(), "a directory that is not ours");
    }

    #[test]
    fn it_is_gone_when_it_is_dropped_unless_its_name_has_been_taken() {
        let parent = tempfile::tempdir().unwrap();
        let first = staging(parent.path());
        fs::create_dir_all(first.path().join("tree/below")).unwrap();
        drop(first);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        let second = staging(parent.path());
        let path = second.path().to_owned();
        fs::create_dir_all(path.join("tree/below")).unwrap();
        fs::rename(&path, parent.path().join("moved")).unwrap();
        fs::create_dir(&path).unwrap();
        drop(second);
        assert!(path.exists());
        assert_eq!(fs::read_dir(parent.path().join("moved")).unwrap().count(), 0);
    }
}
