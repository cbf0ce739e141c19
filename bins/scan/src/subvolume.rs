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
    is_root(stat, || rustix::fs::fstatfs(at).ok().map(|fs| fs.f_type as u64))
        && !is_mounted(at, name)
}

/// Whether it is the root of a subvolume, on a file system of that type.
fn is_root(stat: &Stat, system: impl FnOnce() -> Option<u64>) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
        && stat.st_ino == ROOT
        && system().is_some_and(|kind| kind & 0xffff_ffff == BTRFS)
}

fn is_mounted(at: BorrowedFd<'_>, name: &[u8]) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(at, name, flags, StatxFlags::TYPE)
        .is_ok_and(|told| told.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn the_root_of_a_subvolume_is_a_directory_of_btrfs_with_its_number() {
        let mut stat = rustix::fs::stat("/").unwrap();
        for (number, system, wanted) in [
            (ROOT, Some(BTRFS), true),
            (ROOT, Some(BTRFS | 0xffff_ffff << 32), true),
            (ROOT, Some(0xef53), false),
            (ROOT, None, false),
            (257, Some(BTRFS), false),
        ] {
            stat.st_ino = number;
            assert_eq!(is_root(&stat, || system), wanted, "{number} {system:?}");
        }
        let mut file = rustix::fs::stat("/proc/self/status").unwrap();
        file.st_ino = ROOT;
        assert!(!is_root(&file, || Some(BTRFS)));
    }

    #[test]
    fn what_is_mounted_is_told_from_what_is_not() {
        let root = File::open("/").unwrap();
        assert!(is_mounted(root.as_fd(), b"proc"));
        let proc = File::open("/proc").unwrap();
        assert!(!is_mounted(proc.as_fd(), b"self"));
    }
}
