//! Trees of files to back up: made of calls that each place one object, always the same bytes,
//! and with times that do not depend on the clock.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use rustix::fs::{lsetxattr, makedev, mknodat, utimensat};

use crate::content::noise;
use crate::{days, kinds};

/// The second that all objects of the first day bear as mtime.
const FIRST_DAY: i64 = 1_700_000_000;

/// The nanoseconds of all mtimes that a test has not set.
const NANOSECONDS: i64 = 123_456_789;

/// A file that [`Tree::day`] changes without a change of size or of the whole second of its
/// mtime. duplicity does not see that: see [`crate::Snapshot::without`].
pub const SAME_SECOND: &str = "same-second";

/// A folder that a test fills and changes. Paths are relative to it.
///
/// Each call leaves the object and the folder that it is in with the mtime of the tree's day.
pub struct Tree {
    root: PathBuf,
    second: Cell<i64>,
}

impl Tree {
    /// An empty folder, which must not exist yet.
    pub fn empty(root: impl Into<PathBuf>) -> Tree {
        let tree = Tree { root: root.into(), second: Cell::new(FIRST_DAY) };
        fs::create_dir(&tree.root).unwrap();
        tree.mode("", 0o755);
        tree
    }

    /// A few small objects: for tests that are about something else than the tree.
    pub fn small(root: impl Into<PathBuf>) -> Tree {
        let tree = Tree::empty(root);
        tree.noise("a file", 1000);
        tree.noise("folder/large", 200_000);
        tree.noise("folder/other", 30_000);
        tree.symlink("link", "folder/large");
        tree
    }

    /// Every kind of object that a backup has to keep, as far as this user may make them.
    pub fn every_kind(root: impl Into<PathBuf>) -> Tree {
        let tree = Tree::empty(root);
        kinds::build(&tree);
        days::prepare(&tree);
        tree
    }

    /// What happens on a day (1, 2, 3…, in turn) to a tree of [`Tree::every_kind`]: every way
    /// in which an object can change.
    pub fn day(&self, day: u32) {
        self.second.set(FIRST_DAY + i64::from(day) * 86400);
        days::change(self, day);
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The absolute path of one of its objects.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        if name.as_ref().is_empty() { self.root.clone() } else { self.root.join(Path::new(&name)) }
    }

    /// A regular file with that content, in place of what was there.
    pub fn file(&self, name: impl AsRef<OsStr>, content: &[u8]) {
        let path = self.place(&name);
        fs::write(path, content).unwrap();
        self.stamp(name);
    }

    /// A regular file with that many bytes of noise, different for each name and day.
    pub fn noise(&self, name: impl AsRef<OsStr>, len: usize) {
        let mut seed = name.as_ref().as_bytes().to_owned();
        seed.extend_from_slice(&self.second.get().to_le_bytes());
        self.file(name, &noise(&seed, len));
    }

    /// Changes the content of a file that keeps its inode, mode and owner.
    pub fn edit(&self, name: impl AsRef<OsStr>, change: impl FnOnce(&mut Vec<u8>)) {
        let mut content = fs::read(self.path(&name)).unwrap();
        let mode = fs::metadata(self.path(&name)).unwrap().permissions();
        change(&mut content);
        fs::write(self.path(&name), content).unwrap();
        fs::set_permissions(self.path(&name), mode).unwrap();
        self.stamp(name);
    }

    /// An empty folder.
    pub fn folder(&self, name: impl AsRef<OsStr>) {
        fs::create_dir(self.place(&name)).unwrap();
        self.stamp(name);
    }

    /// A symbolic link.
    pub fn symlink(&self, name: impl AsRef<OsStr>, target: impl AsRef<OsStr>) {
        symlink(Path::new(&target), self.place(&name)).unwrap();
        self.stamp(name);
    }

    /// One more name of a file.
    pub fn hard_link(&self, name: impl AsRef<OsStr>, of: impl AsRef<OsStr>) {
        fs::hard_link(self.path(of), self.place(&name)).unwrap();
        self.stamp(name);
    }

    /// A named pipe.
    pub fn fifo(&self, name: impl AsRef<OsStr>) {
        self.node(name, FileType::Fifo, 0, 0);
    }

    /// A socket, which no backup keeps.
    pub fn socket(&self, name: impl AsRef<OsStr>) {
        self.node(name, FileType::Socket, 0, 0);
    }

    /// A character device (needs root).
    pub fn char_device(&self, name: impl AsRef<OsStr>, major: u32, minor: u32) {
        self.node(name, FileType::CharacterDevice, major, minor);
    }

    /// A block device (needs root).
    pub fn block_device(&self, name: impl AsRef<OsStr>, major: u32, minor: u32) {
        self.node(name, FileType::BlockDevice, major, minor);
    }

    fn node(&self, name: impl AsRef<OsStr>, kind: FileType, major: u32, minor: u32) {
        let mode = Mode::from_raw_mode(0o644);
        mknodat(CWD, self.place(&name), kind, mode, makedev(major, minor)).unwrap();
        self.stamp(name);
    }

    /// Sets the twelve permission bits of an object that is no symbolic link.
    pub fn mode(&self, name: impl AsRef<OsStr>, mode: u32) {
        fs::set_permissions(self.path(&name), Permissions::from_mode(mode)).unwrap();
        self.stamp(name);
    }

    /// Sets the owner and the group (needs root; clears setuid and setgid).
    pub fn owner(&self, name: impl AsRef<OsStr>, user: u32, group: u32) {
        lchown(self.path(&name), Some(user), Some(group)).unwrap();
        self.stamp(name);
    }

    /// Sets an extended attribute.
    pub fn attribute(&self, name: impl AsRef<OsStr>, attribute: &str, value: &[u8]) {
        lsetxattr(self.path(&name), attribute, value, XattrFlags::empty()).unwrap();
    }

    /// Sets the mtime, in seconds since 1970 (negative before) and nanoseconds.
    pub fn mtime(&self, name: impl AsRef<OsStr>, seconds: i64, nanoseconds: i64) {
        set_mtime(&self.path(name), seconds, nanoseconds);
    }

    /// Removes an object and all below it.
    pub fn remove(&self, name: impl AsRef<OsStr>) {
        clear(&self.path(&name));
        self.stamp_folder_of(name.as_ref());
    }

    /// Makes the folders above an object and removes what is in its place.
    fn place(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(&name);
        clear(&path);
        let parent = Path::new(&name).parent().unwrap_or(Path::new(""));
        if !self.path(parent).exists() {
            self.folder(parent);
        }
        path
    }

    fn stamp(&self, name: impl AsRef<OsStr>) {
        self.mtime(&name, self.second.get(), NANOSECONDS);
        self.stamp_folder_of(name.as_ref());
    }

    fn stamp_folder_of(&self, name: &OsStr) {
        if let Some(parent) = Path::new(name).parent() {
            self.mtime(parent, self.second.get(), NANOSECONDS);
        }
    }
}

fn set_mtime(path: &Path, tv_sec: i64, tv_nsec: i64) {
    let time = Timespec { tv_sec, tv_nsec };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn clear(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(object) if object.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.unwrap();
}
