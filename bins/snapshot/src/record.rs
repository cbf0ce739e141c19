//! What a killed moo-snapshot leaves for who deletes its snapshot: the record, beside the temporary files
//! of the command.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status, shown};
use local::is_snapshot_name;

use crate::kind::Kind;

/// The variable with the folder for temporary files; the record is in the caller's folder around it.
const SCRATCH: &str = "MOO_SCRATCH";
/// What all snapshots but those of btrfs have in common: this file is locked while there are any.
const LOCK: &str = "/run/moobacker-snapshots.lock";

/// A record, which goes with this.
pub(crate) struct Record(PathBuf);

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) kind: Kind,
    pub(crate) source: OsString,
    pub(crate) name: String,
}

impl Record {
    /// Writes one, where there is a folder for it.
    pub(crate) fn write(left: &Left) -> Result<Option<Record>, Failure> {
        let scratch = std::env::var_os(SCRATCH).map(PathBuf::from);
        let Some(folder) = scratch.as_deref().and_then(Path::parent) else { return Ok(None) };
        let path = folder.join(cli::note::SNAPSHOT);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(&left.bytes()));
        written.or_fail(Status::Failed, shown(&path))?;
        Ok(Some(Record(path)))
    }

    /// Deletes it: there is no snapshot any more.
    pub(crate) fn delete(self) {
        // Its folder goes in any case.
        let _ = fs::remove_file(self.0);
    }
}

impl Left {
    /// # Errors
    /// There is no record, or it is none.
    pub(crate) fn read(path: &Path) -> Result<Left, Failure> {
        let bytes = fs::read(path).or_fail(Status::Failed, shown(path))?;
        let left = Left::parse(&bytes);
        left.ok_or_else(|| Failure::of(Status::Failed, shown(path), "is no record of a snapshot"))
    }

    fn bytes(&self) -> Vec<u8> {
        let word = self.kind.word();
        [word.as_bytes(), self.source.as_bytes(), self.name.as_bytes()].join(&0)
    }

    fn parse(bytes: &[u8]) -> Option<Left> {
        let mut parts = bytes.split(|byte| *byte == 0);
        let kind = Kind::parse(parts.next()?)?;
        let source = OsString::from_vec(parts.next()?.to_vec());
        let name =
            String::from_utf8(parts.next()?.to_vec()).ok().filter(|name| is_snapshot_name(name))?;
        parts.next().is_none().then_some(Left { kind, source, name })
    }
}

/// The file that is locked while there are snapshots.
pub(crate) fn lock() -> Result<OwnedFd, Failure> {
    let open = || -> io::Result<File> {
        let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(flags).open(LOCK)
    };
    open().map(OwnedFd::from).or_fail(Status::Failed, OsStr::new(LOCK).to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_anything_else_is_none() {
        let name = local::new_snapshot_name().unwrap();
        let left =
            Left { kind: Kind::Zfs, source: OsString::from_vec(b"/a\xff\n b".to_vec()), name };
        assert_eq!(Left::parse(&left.bytes()), Some(left));
        for other in [&b""[..], b"zfs\0/a\0moobacker-1", b"ext4\0/a\0moobacker-0123456789abcdef"] {
            assert_eq!(Left::parse(other), None);
        }
    }
}
