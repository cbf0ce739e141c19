//! The files of a new key. None is ever overwritten, and there are all of them or none.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status, shown};
use openpgp::NewKey;

/// Where the files of a new key go.
pub(crate) struct Papers {
    certificate: PathBuf,
    secret: PathBuf,
    revocation: PathBuf,
}

impl Papers {
    /// The files whose names begin so, if none of them is there.
    pub(crate) fn at(output: &Path) -> Result<Papers, Failure> {
        let papers = Papers {
            certificate: with_end(output, ".cert.pgp"),
            secret: with_end(output, ".secret.pgp"),
            revocation: with_end(output, ".revocation.pgp"),
        };
        for path in [&papers.certificate, &papers.secret, &papers.revocation] {
            if path.symlink_metadata().is_ok() {
                let message = format!("{}: already exists", shown(&path));
                return Err(Failure::new(Status::Failed, message));
            }
        }
        Ok(papers)
    }

    /// Writes them, and takes back what is written if one fails.
    pub(crate) fn write(&self, key: &NewKey) -> Result<(), Failure> {
        let files = [
            (&self.secret, &key.secret, 0o600),
            (&self.revocation, &key.revocation, 0o600),
            (&self.certificate, &key.certificate, 0o644),
        ];
        for (done, (path, bytes, mode)) in files.iter().enumerate() {
            if let Err(error) = create(path, bytes, *mode) {
                for (path, _, _) in &files[..done] {
                    let _ = std::fs::remove_file(path);
                }
                return Err(error).or_fail(Status::Failed, shown(&path));
            }
        }
        Ok(())
    }
}

fn with_end(output: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(output);
    name.push(end);
    name.into()
}

fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    fill(&file, bytes).inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })
}

fn fill(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}
