//! What directories hold, and how many can be open.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::Dir;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The names in a directory, sorted by their bytes.
pub(crate) fn sorted_names(directory: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Lets the walk hold as many directories open as the system allows: one a level.
pub(crate) fn allow_deep_trees() {
    let limit = getrlimit(Resource::Nofile);
    // Should it fail, only trees deeper than the limit come out with an error.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
