//! Subvolumes of btrfs, which look like other file systems and are none.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Stat, StatxAttributes, StatxFlags};
use subvolumes::{ROOT, is_on_btrfs};

/// Whether an object of the directory `at` is a subvolume of the btrfs that the directory is on,
/// and nothing that is mounted there.
pub(crate) fn is_nested(at: BorrowedFd<'_>, name: &[u8], stat: &Stat) -> bool {
    is_root(stat, || is_on_btrfs(at).unwrap_or(false)) && !is_mounted(at, name)
}

/// Whether it is the root of a subvolume, if it is on a btrfs.
fn is_root(stat: &Stat, is_on_btrfs: impl FnOnce() -> bool) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
        && stat.st_ino == ROOT
        && is_on_btrfs()
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
        for (number, btrfs, wanted) in
            [(ROOT, true, true), (ROOT, false, false), (257, true, false)]
        {
            stat.st_ino = number;
            assert_eq!(is_root(&stat, || btrfs), wanted, "{number} {btrfs}");
        }
        let mut file = rustix::fs::stat("/proc/self/status").unwrap();
        file.st_ino = ROOT;
        assert!(!is_root(&file, || true));
    }

    #[test]
    fn what_is_mounted_is_told_from_what_is_not() {
        let root = File::open("/").unwrap();
        assert!(is_mounted(root.as_fd(), b"proc"));
        let proc = File::open("/proc").unwrap();
        assert!(!is_mounted(proc.as_fd(), b"self"));
    }
}
