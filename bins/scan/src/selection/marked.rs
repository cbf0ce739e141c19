//! What marks itself as not worth a backup: directories of caches, and objects that `chattr +d` has set
//! apart.

use std::fs::File;
use std::io::Read;
use std::os::fd::BorrowedFd;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, StatxAttributes, StatxFlags, fstat, openat, statx,
};

/// The file that makes a directory one of a cache, see https://bford.info/cachedir/.
pub(crate) const TAG: &[u8] = b"CACHEDIR.TAG";
/// What that file begins with.
const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Whether a directory is one of a cache: it has the tag, with its signature.
pub(crate) fn is_cache(directory: BorrowedFd<'_>) -> bool {
    // Not to wait for a writer, should it be a pipe.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(tag) = openat(directory, TAG, flags, Mode::empty()) else { return false };
    let is_file = |mode| FileType::from_raw_mode(mode) == FileType::RegularFile;
    if !fstat(&tag).is_ok_and(|stat| is_file(stat.st_mode)) {
        return false;
    }
    let mut start = [0; SIGNATURE.len()];
    File::from(tag).read_exact(&mut start).is_ok() && start == SIGNATURE
}

/// Whether an entry of a directory has the flag that keeps it out of backups.
pub(crate) fn is_nodump(at: BorrowedFd<'_>, name: &[u8]) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    statx(at, name, flags, StatxFlags::empty())
        .is_ok_and(|told| told.stx_attributes.contains(StatxAttributes::NODUMP))
}
