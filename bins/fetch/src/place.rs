//! Where the archive directory of a store is.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use failure::Failure;
use md5::{Digest, Md5};

/// Prints the path of the archive directory of a store in a folder. Its name is, as with duplicity, the
/// MD5 of the URL: in its one spelling, unless there is one already that was named after another.
pub(crate) fn print(folder: &Path, url: &str, mut to: impl Write) -> Result<(), Failure> {
    let path = [find(folder, url).as_os_str().as_bytes(), b"\n"].concat();
    to.write_all(&path).and_then(|()| to.flush()).map_err(|error| Failure::of_output(&error))
}

fn find(folder: &Path, url: &str) -> PathBuf {
    let path = |url: &String| folder.join(format!("{:x}", Md5::digest(url)));
    let there = store::spellings(url).iter().map(path).find(|path| path.is_dir());
    there.unwrap_or_else(|| path(&store::spelling(url)))
}
