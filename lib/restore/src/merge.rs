//! How a new object and what the destination has in its place go together, and what is in the way of
//! the new tree: that is found before anything is moved.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use archive::TreePath;
use failure::{Failure, OrFail, Status, shown};
use rustix::fs::{Dir, FileType};
use rustix::io::{Errno, Result};

use crate::kept::{CHANGED, Kept, Names, Role};
use crate::metadata::Owners;
use crate::objects::{
    DEEPEST, InodeId, NameAt, ObjectInfo, WritableDirectory, inspect, inspect_at, is_empty,
};
use crate::plan::KeptObject;

/// What becomes of objects that exist at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeMode {
    /// Objects of the backup replace those of the same path, and all others stay.
    pub merge: bool,
    /// What the backup does not have is deleted. Implies `merge`.
    pub delete: bool,
}

/// What is done with a new object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is there: it gets its name.
    Place,
    /// It replaces another object, neither of which is a directory.
    Replace,
    /// It is exchanged for what is there, which is deleted: one of the two is a directory.
    Exchange,
    /// Both are directories: what is in one goes into the other.
    Enter,
    /// Both are directories, and on the one that is there a file system is mounted.
    Mounted,
    /// What is there is in the way, because of that.
    Blocked(&'static str),
}

/// Decides what is done with a new object where the destination has `there`.
pub(crate) fn step(new: &ObjectInfo, there: Option<&ObjectInfo>, mode: MergeMode) -> Step {
    let Some(there) = there else { return Step::Place };
    if !mode.merge {
        return Step::Blocked("already exists; use --merge to replace it");
    }
    match (new.is_directory(), there.kind) {
        (true, FileType::Directory) if there.mount => return Step::Mounted,
        (true, FileType::Symlink) => {
            return Step::Blocked("is a symbolic link, and a directory in the backup");
        }
        _ => {}
    }
    if let Some(why) = fixed(there) {
        return Step::Blocked(why);
    }
    match (new.is_directory(), there.is_directory()) {
        (true, true) => Step::Enter,
        (false, false) => Step::Replace,
        _ if mode.delete => Step::Exchange,
        (true, false) => {
            Step::Blocked("is a file, and a directory in the backup; --delete replaces it")
        }
        (false, true) => {
            Step::Blocked("is a directory, and a file in the backup; --delete replaces it")
        }
    }
}

/// Why an object can neither be replaced nor deleted.
pub(crate) fn fixed(there: &ObjectInfo) -> Option<&'static str> {
    if there.mount { Some(MOUNTED) } else { there.locked }
}

/// A file system must not be emptied, nor its directory replaced.
pub(crate) const MOUNTED: &str =
    "a file system is mounted here; unmount it, or restore into it by itself";

/// The facts about a new object, which is in a folder that nobody else can enter.
pub(crate) fn new_object(place: NameAt<'_>) -> Result<ObjectInfo> {
    inspect_at(place.0, place.1)?.ok_or(Errno::NOENT)
}

const TOO_DEEP: &str = "too many directories in one another";

/// Obstacles that are named; more are counted.
const MOST_NAMED: usize = 20;

/// What has been found so far.
pub(crate) struct Obstacles {
    mode: MergeMode,
    /// The staging folder, which may be in the destination.
    staging: InodeId,
    path: PathBuf,
    /// The same below the destination.
    at: TreePath,
    /// What stays there.
    kept: Kept,
    owners: Owners,
    depth: usize,
    named: Vec<String>,
    count: u64,
}

impl Obstacles {
    /// Those in the destination `path`.
    pub(crate) fn new(mode: MergeMode, staging: InodeId, path: &Path) -> Obstacles {
        Obstacles {
            mode,
            staging,
            path: path.to_owned(),
            at: TreePath::root(),
            kept: Kept::default(),
            owners: Owners::kept(),
            depth: 0,
            named: Vec::new(),
            count: 0,
        }
    }

    /// Objects that stay where they are, and get the metadata of the backup.
    pub(crate) fn keeping(self, kept: Kept, owners: Owners) -> Obstacles {
        Obstacles { kept, owners, ..self }
    }

    /// Looks at what is in the place of a new object, which is the one that the path names.
    pub(crate) fn object(&mut self, new: NameAt<'_>, old: NameAt<'_>) {
        let looked = self.try_object(new, old);
        self.note(looked);
    }

    /// Looks at the directory that the path names, into which what is in a new one is to go.
    pub(crate) fn directories(&mut self, new: BorrowedFd<'_>, old: BorrowedFd<'_>) {
        let looked = self.try_directories(new, old);
        self.note(looked);
    }

    /// Fails if anything is in the way. Nothing has been changed then.
    pub(crate) fn finish(self, destination: &Path) -> std::result::Result<(), Failure> {
        match (self.count, self.named.first()) {
            (0, _) | (_, None) => Ok(()),
            (1, Some(only)) => Err(Failure::new(Status::Usage, only.clone())),
            (count, _) => {
                self.named.iter().for_each(|obstacle| log::warn!("{obstacle}"));
                let which = shown(&destination);
                let named = self.named.len();
                let all = if count > named as u64 {
                    format!(", of which {named} are named above")
                } else {
                    String::new()
                };
                let why = format!("{which}: {count} objects are in the way{all}; nothing changed");
                Err(Failure::new(Status::Usage, why))
            }
        }
    }

    fn try_object(&mut self, new: NameAt<'_>, old: NameAt<'_>) -> Result<()> {
        let there = inspect_at(old.0, old.1)?;
        let is_there = there.is_some_and(|there| there.is_directory());
        // Nothing below it would be there either.
        if !is_there && self.take_kept().is_some() {
            self.blocked(CHANGED);
            return Ok(());
        }
        match step(&new_object(new)?, there.as_ref(), self.mode) {
            Step::Place | Step::Replace => Ok(()),
            Step::Exchange => self.try_doomed(old),
            Step::Enter => {
                let (new, old) = (
                    WritableDirectory::open(new.0, new.1)?,
                    WritableDirectory::open(old.0, old.1)?,
                );
                self.try_directories(new.as_fd(), old.as_fd())
            }
            Step::Mounted => {
                let (new, old) = (
                    WritableDirectory::open(new.0, new.1)?,
                    WritableDirectory::open(old.0, old.1)?,
                );
                if stays_mounted(new.as_fd(), old.as_fd(), self.mode)? {
                    return Ok(());
                }
                self.blocked(MOUNTED);
                Ok(())
            }
            Step::Blocked(why) => {
                self.blocked(why);
                Ok(())
            }
        }
    }

    fn try_directories(&mut self, new: BorrowedFd<'_>, old: BorrowedFd<'_>) -> Result<()> {
        if let Some(why) = inspect(old)?.locked {
            self.blocked(why);
            return Ok(());
        }
        if self.depth == DEEPEST {
            self.blocked(TOO_DEEP);
            return Ok(());
        }
        self.take_kept();
        let mut names = Names::of(&self.at, new, self.mode.delete.then_some(old))?;
        self.depth += 1;
        while let Some((name, role)) = self.next_name(&mut names) {
            self.path.push(OsStr::from_bytes(&name));
            self.at = self.at.child(&name);
            let there = (old, name.as_slice());
            let looked = match role {
                Role::New => self.try_object((new, &name), there),
                Role::Kept => self.try_kept(there),
                Role::Other => self.try_doomed(there),
            };
            self.note(looked);
            self.at = self.at.parent().unwrap_or_default();
            self.path.pop();
        }
        self.depth -= 1;
        Ok(())
    }

    fn next_name(&mut self, names: &mut Names) -> Option<(Vec<u8>, Role)> {
        let next = names.next(&mut self.kept);
        next.unwrap_or_else(|failure| {
            self.name(failure.message().to_owned());
            None
        })
    }

    /// The object that the path names, if it stays.
    fn take_kept(&mut self) -> Option<KeptObject> {
        match self.kept.take(&self.at) {
            Ok(kept) => kept,
            Err(failure) => {
                self.name(failure.message().to_owned());
                None
            }
        }
    }

    /// Looks whether an object that stays is still what it was.
    fn try_kept(&mut self, there: NameAt<'_>) -> Result<()> {
        if let Some(kept) = self.take_kept()
            && let Some(why) = kept.obstacle(there, &mut self.owners)?
        {
            self.blocked(why);
        }
        Ok(())
    }

    /// Looks at what is to be deleted.
    fn try_doomed(&mut self, (parent, name): NameAt<'_>) -> Result<()> {
        let Some(there) = inspect_at(parent, name)? else { return Ok(()) };
        if there.id == self.staging {
            return Ok(());
        }
        if let Some(why) = fixed(&there) {
            self.blocked(why);
            return Ok(());
        }
        if !there.is_directory() {
            return Ok(());
        }
        let directory = WritableDirectory::open(parent, name)?;
        self.each(directory.as_fd(), |obstacles, name| {
            obstacles.try_doomed((directory.as_fd(), name))
        })
    }

    /// Goes through the names in a directory.
    fn each(
        &mut self,
        directory: BorrowedFd<'_>,
        look: impl FnMut(&mut Obstacles, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if self.depth == DEEPEST {
            self.blocked(TOO_DEEP);
            return Ok(());
        }
        self.depth += 1;
        let looked = self.each_name(directory, look);
        self.depth -= 1;
        looked
    }

    fn each_name(
        &mut self,
        directory: BorrowedFd<'_>,
        mut look: impl FnMut(&mut Obstacles, &[u8]) -> Result<()>,
    ) -> Result<()> {
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            self.path.push(OsStr::from_bytes(name));
            let looked = look(self, name);
            self.note(looked);
            self.path.pop();
        }
        Ok(())
    }

    fn note(&mut self, looked: Result<()>) {
        if let Err(failure) = looked.or_fail(Status::Usage, shown(&self.path)) {
            self.name(failure.message().to_owned());
        }
    }

    fn blocked(&mut self, why: &str) {
        self.name(format!("{}: {why}", shown(&self.path)));
    }

    fn name(&mut self, obstacle: String) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(obstacle);
        }
    }
}

/// Whether nothing has to be done in a mounted file system: it is not crossed.
pub(crate) fn stays_mounted(
    new: BorrowedFd<'_>,
    old: BorrowedFd<'_>,
    mode: MergeMode,
) -> Result<bool> {
    Ok(is_empty(new)? && (!mode.delete || is_empty(old)?))
}

#[cfg(test)]
mod tests {
    use stream::Timestamp;

    use super::*;

    const MERGE: MergeMode = MergeMode { merge: true, delete: false };
    const DELETE: MergeMode = MergeMode { merge: true, delete: true };

    fn look(kind: FileType) -> ObjectInfo {
        ObjectInfo {
            kind,
            id: (0, 0, 0),
            changed: Timestamp::default(),
            owner: 0,
            mount: false,
            locked: None,
        }
    }

    #[test]
    fn each_pair_of_kinds_has_its_step() {
        use FileType::{Directory, Fifo, RegularFile, Symlink};
        let decide = |new, there, mode| step(&look(new), Some(&look(there)), mode);
        let blocked = |new, there, mode| matches!(decide(new, there, mode), Step::Blocked(_));
        for mode in [MERGE, DELETE] {
            assert_eq!(step(&look(Directory), None, mode), Step::Place);
            assert_eq!(decide(Directory, Directory, mode), Step::Enter);
            assert!(blocked(Directory, Symlink, mode));
            for new in [RegularFile, Symlink, Fifo] {
                for there in [RegularFile, Symlink, Fifo] {
                    assert_eq!(decide(new, there, mode), Step::Replace);
                }
            }
        }
        assert!(blocked(Directory, RegularFile, MERGE) && blocked(Symlink, Directory, MERGE));
        assert_eq!(decide(Directory, RegularFile, DELETE), Step::Exchange);
        assert_eq!(decide(Symlink, Directory, DELETE), Step::Exchange);
        let none = MergeMode { merge: false, delete: false };
        assert!(blocked(RegularFile, RegularFile, none));
    }

    #[test]
    fn what_is_mounted_or_locked_is_in_the_way_of_all_but_a_directory_on_a_mount_point() {
        let directory = look(FileType::Directory);
        let mounted = ObjectInfo { mount: true, ..directory };
        assert_eq!(step(&directory, Some(&mounted), DELETE), Step::Mounted);
        let file = look(FileType::RegularFile);
        let locked = ObjectInfo { locked: Some("is immutable"), ..file };
        assert_eq!(step(&file, Some(&mounted), DELETE), Step::Blocked(MOUNTED));
        assert_eq!(step(&file, Some(&locked), DELETE), Step::Blocked("is immutable"));
        let fixed = ObjectInfo { locked: Some("is append-only"), ..directory };
        assert_eq!(step(&directory, Some(&fixed), DELETE), Step::Blocked("is append-only"));
    }
}
