//! Subvolumes of btrfs: what they are recognized by, and how one is deleted.
//!
//! `btrfs subvolume delete` takes a path, resolves it, and opens it again: in between, who owns a directory
//! above it can put another one in its place. The kernel takes an open directory and a name in it.

use std::os::fd::AsFd;

use rustix::fs::fstatfs;
use rustix::io::{Errno, Result};
use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

/// The type of btrfs: `f_type` of statfs(2).
const BTRFS: u64 = 0x9123_683e;

/// The inode number of the root of each subvolume.
pub const ROOT: u64 = 256;

/// Whether an open object is on a btrfs.
///
/// # Errors
/// The file system does not answer.
pub fn is_on_btrfs(object: impl AsFd) -> Result<bool> {
    Ok(is_btrfs(fstatfs(object)?.f_type as u64))
}

/// Whether a type of file systems is that of btrfs; some machines extend its sign.
fn is_btrfs(kind: u64) -> bool {
    kind & 0xffff_ffff == BTRFS
}

/// The longest name that the call takes, in bytes.
const LONGEST: usize = 4087;

/// `struct btrfs_ioctl_vol_args` of linux/btrfs.h.
#[repr(C)]
struct Subvolume {
    /// Of no use here.
    fd: i64,
    /// Its name, and zeros.
    name: [u8; LONGEST + 1],
}

/// `BTRFS_IOC_SNAP_DESTROY`.
const SNAP_DESTROY: Opcode = opcode::write::<Subvolume>(0x94, 15);

/// Deletes the subvolume of that name in an open directory.
///
/// # Errors
/// `EINVAL` if the name has a slash or is too long, or if it is no subvolume's; and what the kernel says.
pub fn delete(directory: impl AsFd, name: &str) -> Result<()> {
    let is_name = !name.is_empty() && name.len() <= LONGEST && !name.contains(['/', '\0']);
    if !is_name || name == "." || name == ".." {
        return Err(Errno::INVAL);
    }
    let mut subvolume = Subvolume { fd: 0, name: [0; LONGEST + 1] };
    subvolume.name[..name.len()].copy_from_slice(name.as_bytes());
    destroy(directory, subvolume)
}

#[allow(unsafe_code)]
fn destroy(directory: impl AsFd, subvolume: Subvolume) -> Result<()> {
    // SAFETY: this is the type that the kernel reads for this call, and it only reads it.
    unsafe { ioctl(directory, Setter::<SNAP_DESTROY, Subvolume>::new(subvolume)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn btrfs_is_known_by_its_number() {
        for (kind, wanted) in [(BTRFS, true), (BTRFS | 0xffff_ffff << 32, true), (0xef53, false)] {
            assert_eq!(is_btrfs(kind), wanted, "{kind:x}");
        }
        assert_eq!(is_on_btrfs(std::fs::File::open("/proc").unwrap()), Ok(false));
    }

    #[test]
    fn the_call_is_that_of_the_kernels_header() {
        assert_eq!(SNAP_DESTROY, 0x5000_940f);
        assert_eq!(size_of::<Subvolume>(), 4096);
    }

    #[test]
    fn what_is_no_name_is_refused_before_the_kernel_is_asked() {
        let directory = std::fs::File::open("/").unwrap();
        for name in ["", ".", "..", "a/b", "/a", "a\0", &"x".repeat(LONGEST + 1)] {
            assert_eq!(delete(&directory, name), Err(Errno::INVAL), "{name:?}");
        }
    }
}
