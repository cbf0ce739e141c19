//! How a new object and what the destination has in its place go together.

use std::os::fd::BorrowedFd;

use rustix::fs::FileType;

use crate::look::{self, Look};

/// What becomes of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Objects of the backup replace those of the same path, and all others stay.
    pub(crate) merge: bool,
    /// What the backup does not have is deleted. Implies `merge`.
    pub(crate) delete: bool,
}

/// An object by its name in an open directory.
pub(crate) type Place<'a> = (BorrowedFd<'a>, &'a [u8]);

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
pub(crate) fn step(new: &Look, there: Option<&Look>, mode: Mode) -> Step {
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
pub(crate) fn fixed(there: &Look) -> Option<&'static str> {
    if there.mount { Some(MOUNTED) } else { there.locked }
}

/// A file system must not be emptied, nor its directory replaced.
pub(crate) const MOUNTED: &str =
    "a file system is mounted here; unmount it, or restore into it by itself";

/// The facts about a new object, which is in a folder that nobody else can enter.
pub(crate) fn new(place: Place<'_>) -> rustix::io::Result<Look> {
    look::at(place.0, place.1)?.ok_or(rustix::io::Errno::NOENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MERGE: Mode = Mode { merge: true, delete: false };
    const DELETE: Mode = Mode { merge: true, delete: true };

    fn look(kind: FileType) -> Look {
        Look { kind, id: (0, 0, 0), owner: 0, mount: false, locked: None }
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
        let none = Mode { merge: false, delete: false };
        assert!(blocked(RegularFile, RegularFile, none));
    }

    #[test]
    fn what_is_mounted_or_locked_is_in_the_way_of_all_but_a_directory_on_a_mount_point() {
        let directory = look(FileType::Directory);
        let mounted = Look { mount: true, ..directory };
        assert_eq!(step(&directory, Some(&mounted), DELETE), Step::Mounted);
        let file = look(FileType::RegularFile);
        let locked = Look { locked: Some("is immutable"), ..file };
        assert_eq!(step(&file, Some(&mounted), DELETE), Step::Blocked(MOUNTED));
        assert_eq!(step(&file, Some(&locked), DELETE), Step::Blocked("is immutable"));
        let fixed = Look { locked: Some("is append-only"), ..directory };
        assert_eq!(step(&directory, Some(&fixed), DELETE), Step::Blocked("is append-only"));
    }
}
