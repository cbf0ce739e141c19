//! The calls of the system, for an open object and for one that is not to be opened.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{
    XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr, lgetxattr, llistxattr,
    lremovexattr, lsetxattr,
};
use rustix::io::Result;

/// Where the system shows open directories as paths.
const OPEN: &str = "/proc/self/fd";

/// An object with attributes.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    /// An open file or directory.
    Open(BorrowedFd<'a>),
    /// What has that name in an open directory; a symbolic link is not followed.
    At(BorrowedFd<'a>, &'a [u8]),
}

/// Whether objects that are not open can be reached at all: that takes `/proc`.
pub fn can_reach() -> bool {
    Path::new(OPEN).exists()
}

impl Object<'_> {
    /// Writes the names of all attributes, each with a NUL behind it.
    pub(crate) fn list(&self, names: &mut [u8]) -> Result<usize> {
        match self {
            Object::Open(object) => flistxattr(object, names),
            Object::At(parent, name) => llistxattr(path(*parent, name), names),
        }
    }

    pub(crate) fn get(&self, attribute: &[u8], value: &mut [u8]) -> Result<usize> {
        match self {
            Object::Open(object) => fgetxattr(object, attribute, value),
            Object::At(parent, name) => lgetxattr(path(*parent, name), attribute, value),
        }
    }

    pub(crate) fn set(&self, attribute: &[u8], value: &[u8]) -> Result<()> {
        let flags = XattrFlags::empty();
        match self {
            Object::Open(object) => fsetxattr(object, attribute, value, flags),
            Object::At(parent, name) => lsetxattr(path(*parent, name), attribute, value, flags),
        }
    }

    pub(crate) fn remove(&self, attribute: &[u8]) -> Result<()> {
        match self {
            Object::Open(object) => fremovexattr(object, attribute),
            Object::At(parent, name) => lremovexattr(path(*parent, name), attribute),
        }
    }
}

/// The system takes no open directory and a name in it, as it does elsewhere, but only a path.
fn path(parent: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    if name.starts_with(b"/") {
        return name.to_vec();
    }
    [format!("{OPEN}/{}/", parent.as_raw_fd()).as_bytes(), name].concat()
}
