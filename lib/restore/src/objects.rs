//! Objects by their names in open directories: inspecting, entering and deleting them.
//!
//! Nothing here follows a symbolic link or looks a path up twice, so another user who moves things
//! about meanwhile can't lead a restore elsewhere.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Statx, StatxAttributes, StatxFlags, chmodat, fchmod,
    fstat, openat, statx, unlinkat,
};
use rustix::io::{Errno, Result};
use rustix::process::geteuid;
use stream::Timestamp;

/// An object by its name in an open directory.
pub(crate) type NameAt<'a> = (BorrowedFd<'a>, &'a [u8]);

/// An inode of this machine: device and number.
pub(crate) type InodeId = (u32, u32, u64);

/// Facts about an object. A symbolic link is not followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectInfo {
    pub(crate) kind: FileType,
    pub(crate) id: InodeId,
    /// When the inode was changed last.
    pub(crate) changed: Timestamp,
    pub(crate) owner: u32,
    /// Whether it is the root of a mounted file system, a bind mount included.
    pub(crate) mount: bool,
    /// Why it can't be replaced, deleted or changed: an attribute of chattr(1).
    pub(crate) locked: Option<&'static str>,
}

impl ObjectInfo {
    pub(crate) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }
}

/// Inspects the object of that name in a directory; `None` if there is none.
pub(crate) fn inspect_at(parent: impl AsFd, name: &[u8]) -> Result<Option<ObjectInfo>> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match statx(&parent, name, flags, StatxFlags::BASIC_STATS) {
        Err(Errno::NOENT) => Ok(None),
        found => info(&found?, || stat(parent.as_fd(), b".")).map(Some),
    }
}

/// Inspects an open object.
pub(crate) fn inspect(object: impl AsFd) -> Result<ObjectInfo> {
    let found = statx(&object, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    info(&found, || stat(object.as_fd(), b".."))
}

fn stat(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Statx> {
    statx(parent, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)
}

/// A kernel before 5.8 does not say what is a mount point: there another device than that of the
/// directory `above` shows it.
fn info(found: &Statx, above: impl FnOnce() -> Result<Statx>) -> Result<ObjectInfo> {
    let has = |attribute| found.stx_attributes.contains(attribute);
    let device = |found: &Statx| (found.stx_dev_major, found.stx_dev_minor);
    let mount = if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
        has(StatxAttributes::MOUNT_ROOT)
    } else {
        above().is_ok_and(|above| device(&above) != device(found))
    };
    let locked = match () {
        () if has(StatxAttributes::IMMUTABLE) => {
            Some("is immutable (chattr -i allows to change it)")
        }
        () if has(StatxAttributes::APPEND) => {
            Some("is append-only (chattr -a allows to change it)")
        }
        () => None,
    };
    Ok(ObjectInfo {
        kind: FileType::from_raw_mode(found.stx_mode.into()),
        id: (found.stx_dev_major, found.stx_dev_minor, found.stx_ino),
        changed: Timestamp { secs: found.stx_ctime.tv_sec, nanos: found.stx_ctime.tv_nsec },
        owner: found.stx_uid,
        mount,
        locked,
    })
}

/// An open directory in which its owner can work. A mode that kept its owner out is restored when this
/// is dropped.
pub(crate) struct WritableDirectory {
    directory: OwnedFd,
    mode: Option<Mode>,
}

impl WritableDirectory {
    /// Opens a directory; a symbolic link is refused with ENOTDIR. Who is not root gives himself
    /// access to a directory of his own meanwhile.
    pub(crate) fn open(parent: BorrowedFd<'_>, name: &[u8]) -> Result<WritableDirectory> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if geteuid().is_root() {
            let directory = openat(parent, name, flags | OFlags::RDONLY, Mode::empty())?;
            return Ok(WritableDirectory { directory, mode: None });
        }
        let place = openat(parent, name, flags | OFlags::PATH, Mode::empty())?;
        let stat = fstat(&place)?;
        let locked = stat.st_mode & 0o700 != 0o700 && stat.st_uid == geteuid().as_raw();
        if locked {
            // What is open is changed, whatever its name leads to by now.
            let path = format!("/proc/self/fd/{}", place.as_raw_fd());
            let mode = Mode::from_raw_mode(stat.st_mode & 0o7777) | Mode::RWXU;
            chmodat(CWD, path, mode, rustix::fs::AtFlags::empty())?;
        }
        let directory = openat(&place, ".", flags | OFlags::RDONLY, Mode::empty());
        let mode = locked.then(|| Mode::from_raw_mode(stat.st_mode & 0o7777));
        directory.map(|directory| WritableDirectory { directory, mode })
    }

    /// Keeps the mode that it has now.
    pub(crate) fn keep_mode(mut self) {
        self.mode = None;
    }

    /// Gives its owner access again, after it has got another mode.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        if geteuid().is_root() {
            return Ok(());
        }
        let mode = Mode::from_raw_mode(fstat(&self.directory)?.st_mode & 0o7777);
        if mode.contains(Mode::RWXU) {
            return Ok(());
        }
        self.mode = Some(mode);
        match fchmod(&self.directory, mode | Mode::RWXU) {
            Err(Errno::PERM) => Ok(()),
            done => done,
        }
    }
}

impl AsFd for WritableDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Drop for WritableDirectory {
    fn drop(&mut self) {
        if let Some(mode) = self.mode {
            let _ = fchmod(&self.directory, mode);
        }
    }
}

/// Directories are nested less deeply than this, so that the stack suffices.
pub(crate) const DEEPEST: usize = 4200;

/// Deletes the object of that name with all that is in it; no such object is no error. A mounted file
/// system is not entered.
pub(crate) fn remove(parent: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    remove_below(parent, name, 0)
}

fn remove_below(parent: BorrowedFd<'_>, name: &[u8], depth: usize) -> Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => remove_directory(parent, name, depth),
        done => done,
    }
}

fn remove_directory(parent: BorrowedFd<'_>, name: &[u8], depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(Errno::NAMETOOLONG);
    }
    let directory = match WritableDirectory::open(parent, name) {
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(Errno::PERM),
        directory => directory?,
    };
    if inspect(&directory)?.mount {
        return Err(Errno::BUSY);
    }
    empty(&directory, depth)?;
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

fn empty(directory: &WritableDirectory, depth: usize) -> Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            remove_below(directory.as_fd(), name, depth + 1)?;
        }
    }
    Ok(())
}

/// Whether a directory has no entries.
pub(crate) fn is_empty(directory: BorrowedFd<'_>) -> Result<bool> {
    for entry in Dir::read_from(directory)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}
