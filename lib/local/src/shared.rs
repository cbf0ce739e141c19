//! Archive directories in one of duplicity's that several backups share, told apart by prefixes of names.
//!
//! The manifests, signatures and seals lie in duplicity's folder with the names that it gives them, and its
//! lock is ours too. All else lies in a folder inside of it, one for each choice of prefixes, which duplicity
//! ignores.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use archive::Prefixes;
use failure::{Failure, OrFail, Status, shown};

/// The file with the prefixes.
pub(crate) const SHARED: &str = "prefixes";
/// More bytes than all prefixes have.
const MOST: u64 = 1 << 10;

/// Makes the folder `inside` of an archive directory, for the backup with these prefixes.
///
/// # Errors
/// It can't be made.
pub fn share(archive: &Path, inside: &str, prefixes: &Prefixes) -> Result<(), Failure> {
    let folder = archive.join(inside);
    let marker = folder.join(SHARED);
    if shared_with(&folder)?.is_some() {
        return Ok(());
    }
    let make = || -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(prefixes.to_string().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&marker).map(|_| ()).map_err(|error| error.error)
    };
    make().or_fail(Status::Failed, shown(&marker))
}

/// The folder that an archive directory shares, and the prefixes of its files there; or `None` if it has all
/// its files itself.
///
/// # Errors
/// The prefixes can't be read.
pub fn shared_with(path: &Path) -> Result<Option<(PathBuf, Prefixes)>, Failure> {
    let marker = path.join(SHARED);
    let mut text = String::new();
    match fs::File::open(&marker).and_then(|file| file.take(MOST).read_to_string(&mut text)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.or_fail(Status::Failed, shown(&marker))?,
    };
    let wrong = || Failure::of(Status::Integrity, shown(&marker), "not a list of prefixes");
    let prefixes = Prefixes::parse(&text).ok_or_else(wrong)?;
    let above = path.parent().filter(|above| *above != Path::new(""));
    Ok(Some((above.unwrap_or(Path::new(".")).to_owned(), prefixes)))
}
