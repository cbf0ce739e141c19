//! Subvolumes of btrfs, which look like other file systems and are none.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Stat, StatxAttributes, StatxFlags};

/// The type of btrfs: `f_type` of statfs(2).
const BTRFS: u64 = 0x9123_683e;
/// The inode number of the root of each subvolume.
const ROOT: u64 = 256;

/// Whether an object of the directory `at` is a subvolume of the btrfs that the directory is on,
/// and nothing that is mounted there.
pub(crate) fn is_nested(at: BorrowedFd<'_>, name: &[u8], stat: &Stat) -> bool {
    let is_root =
        FileType::from_raw_mode(stat.st_mode) == FileType::Directory && stat.st_ino == ROOT;
    let on_btrfs =
        || rustix::fs::fstatfs(at).is_ok_and(|fs| fs.f_type as u64 & 0xffff_ffff == BTRFS);
    is_root && on_btrfs() && !is_mounted(at, name)
}

fn is_mounted(at: BorrowedFd<'_>, name: &[u8]) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(at, name, flags, StatxFlags::TYPE)
        .is_ok_and(|told| told.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
