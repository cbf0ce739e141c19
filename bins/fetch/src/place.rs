//! Where the archive directory of a store is.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use archive::Prefixes;
use failure::Failure;
use md5::{Digest, Md5};

/// Prints the path of the archive directory of a store in a folder. Its name is, as with duplicity, the
/// MD5 of the URL: in its one spelling, unless there is one already that was named after another. What has
/// prefixes is another backup, and has another name.
pub(crate) fn print(
    folder: &Path,
    (url, prefixes): (&str, &Prefixes),
    mut to: impl Write,
) -> Result<(), Failure> {
    let path = [find(folder, url, prefixes).as_os_str().as_bytes(), b"\n"].concat();
    to.write_all(&path).and_then(|()| to.flush()).map_err(|error| Failure::of_output(&error))
}

fn find(folder: &Path, url: &str, prefixes: &Prefixes) -> PathBuf {
    let more = if prefixes.is_empty() { String::new() } else { format!("\n{prefixes}") };
    let path = |url: &String| folder.join(format!("{:x}", Md5::digest(format!("{url}{more}"))));
    let there = store::spellings(url).iter().map(path).find(|path| path.is_dir());
    there.unwrap_or_else(|| path(&store::spelling(url)))
}
