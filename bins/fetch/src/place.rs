//! Where the archive directory of a store is.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use archive::Prefixes;
use failure::Failure;
use local::{share, shared_with};
use md5::{Digest, Md5};

/// Which archive directory of a folder is meant.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    /// Its name, if one was given.
    pub(crate) name: Option<&'a Path>,
    pub(crate) url: &'a str,
    pub(crate) prefixes: &'a Prefixes,
}

impl Place<'_> {
    /// Prints its path. Its name is, as with duplicity, the MD5 of the URL: in its one spelling, unless there
    /// is one already that was named after another. What has prefixes is another backup, and has another
    /// name. With a given name, its archive directory is inside of the one with that name, which it shares
    /// with duplicity and with the backups that have other prefixes.
    ///
    /// # Errors
    /// The one inside can't be made.
    pub(crate) fn print(&self, mut to: impl Write) -> Result<(), Failure> {
        let place = match self.name {
            Some(name) => inside(self.folder.join(name), self.prefixes)?,
            None => find(self.folder, self.url, self.prefixes),
        };
        let path = [place.as_os_str().as_bytes(), b"\n"].concat();
        to.write_all(&path).and_then(|()| to.flush()).map_err(|error| Failure::of_output(&error))
    }
}

fn inside(archive: PathBuf, prefixes: &Prefixes) -> Result<PathBuf, Failure> {
    // It may be the one inside already.
    if prefixes.is_empty() || shared_with(&archive)?.is_some() {
        return Ok(archive);
    }
    let name = format!(".moobacker-{:x}", Md5::digest(prefixes.to_string()));
    share(&archive, &name, prefixes)?;
    Ok(archive.join(name))
}

fn find(folder: &Path, url: &str, prefixes: &Prefixes) -> PathBuf {
    let more = if prefixes.is_empty() { String::new() } else { format!("\n{prefixes}") };
    let path = |url: &String| folder.join(format!("{:x}", Md5::digest(format!("{url}{more}"))));
    let there = store::spellings(url).iter().map(path).find(|path| path.is_dir());
    there.unwrap_or_else(|| path(&store::spelling(url)))
}
