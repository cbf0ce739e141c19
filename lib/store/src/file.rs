//! A folder of this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Reason, Status};
use rustix::fs::{AtFlags, CWD, RenameFlags};
use rustix::io::Errno;

use crate::listing::Listing;
use crate::{Sink, Store, Stored, temporary};

/// `file:///absolute` or `file://relative`.
pub(crate) struct FileStore {
    url: String,
    folder: PathBuf,
    /// The final and the temporary names of files that are being received.
    received: BTreeMap<String, String>,
}

impl FileStore {
    pub(crate) fn new(url: &str, path: &Path) -> FileStore {
        // A folder can't be made by a path that ends with `.`.
        let folder = path.components().collect();
        FileStore { url: url.to_owned(), folder, received: BTreeMap::new() }
    }

    fn which(&self, name: &str) -> String {
        format!("{}/{name}", self.url.trim_end_matches('/'))
    }
}

impl Store for FileStore {
    /// Creates the folder only below an existing one, because the path of an unmounted disk is not
    /// a store.
    fn prepare(&mut self) -> Result<(), Failure> {
        match fs::DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let above = self.folder.parent().unwrap_or(&self.folder).display();
                let why = format!("there is no folder {above} (is the disk mounted?)");
                Err(Failure::of(Status::Lost, &self.url, why))
            }
            made => made.or_fail(Status::Refused, &self.url),
        }
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        let mut listing = Listing::new(&self.url, None);
        for entry in fs::read_dir(&self.folder).or_fail_by_kind(&self.url)? {
            let entry = entry.or_fail_by_kind(&self.url)?;
            let facts = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                facts => facts.or_fail_by_kind(&self.url)?,
            };
            let size = facts.is_file().then_some(facts.len());
            listing.add(entry.file_name().as_bytes(), size)?;
        }
        Ok(listing.finish())
    }

    fn receive(&mut self, name: &str) -> Result<Box<dyn Sink>, Failure> {
        let which = self.which(name);
        let temporary = temporary::new_name(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.folder.join(&temporary))
            .or_fail(Status::Refused, &which)?;
        self.received.insert(name.to_owned(), temporary);
        Ok(Box::new(FileSink { file, which }))
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        let file = File::open(self.folder.join(name)).or_fail_by_kind(self.which(name))?;
        Ok(Box::new(file))
    }

    fn arrived(&mut self, name: &str) -> Option<String> {
        self.received.get(name).cloned()
    }

    fn adopt(&mut self, name: &str, temporary: &str) {
        self.received.insert(name.to_owned(), temporary.to_owned());
    }

    /// A file arrives as it is written.
    fn arrive(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn publish(&mut self, name: &str) -> Result<(), Failure> {
        let Some(temporary) = self.received.get(name) else {
            let why = "was not received, so it gets no name";
            return Err(Failure::of(Status::Failed, self.which(name), why));
        };
        let (old, new) = (self.folder.join(temporary), self.folder.join(name));
        rename(&old, &new).or_fail(Status::Refused, self.which(name))?;
        self.received.remove(name);
        Ok(())
    }

    fn discard(&mut self, kept: &BTreeSet<String>) {
        let mut received = std::mem::take(&mut self.received);
        received.retain(|name, _| !kept.contains(name));
        for temporary in received.into_values() {
            let _ = fs::remove_file(self.folder.join(temporary));
        }
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        fs::remove_file(self.folder.join(name)).or_fail_by_kind(self.which(name))
    }

    fn settle(&mut self) -> Result<(), Failure> {
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.or_fail(Status::Refused, &self.url)
    }
}

/// Renames without overwriting, even on file systems without such a rename.
fn rename(from: &Path, to: &Path) -> Result<(), Errno> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => rename_by_link(from, to),
        done => done,
    }
}

fn rename_by_link(from: &Path, to: &Path) -> Result<(), Errno> {
    match rustix::fs::linkat(CWD, from, CWD, to, AtFlags::empty()) {
        Ok(()) => rustix::fs::unlinkat(CWD, from, AtFlags::empty()),
        Err(Errno::EXIST) => Err(Errno::EXIST),
        Err(_) => rename_after_look(from, to),
    }
}

/// For file systems without links, such as exFAT by FUSE and mounts of rclone. Between the check
/// and the rename, another process could create the name, which belongs to one set of one second. A
/// placeholder file would be worse: after a crash it would look like the manifest of a complete
/// set.
fn rename_after_look(from: &Path, to: &Path) -> Result<(), Errno> {
    match rustix::fs::statat(CWD, to, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => rustix::fs::renameat(CWD, from, CWD, to),
        Err(error) => Err(error),
        Ok(_) => Err(Errno::EXIST),
    }
}

struct FileSink {
    file: File,
    which: String,
}

impl Write for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_all(bytes);
        written.or_fail(Status::Refused, &self.which)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for FileSink {
    fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.file.sync_all().or_fail(Status::Refused, &self.which)
    }
}

/// What is not there is no refusal.
trait OrFailByKind<T> {
    fn or_fail_by_kind(self, which: impl fmt::Display) -> Result<T, Failure>;
}

impl<T> OrFailByKind<T> for io::Result<T> {
    fn or_fail_by_kind(self, which: impl fmt::Display) -> Result<T, Failure> {
        let absent = matches!(&self, Err(error) if error.kind() == io::ErrorKind::NotFound);
        if absent {
            let failed = self.or_fail(Status::Absent, which);
            return failed.map_err(|failure| failure.because(Reason::NoSuchFile));
        }
        self.or_fail(Status::Refused, which)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_overwrites_nothing_on_any_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to, free] = ["from", "to", "free"].map(|name| folder.path().join(name));
        fs::write(&to, "theirs").unwrap();
        for way in [rename, rename_by_link, rename_after_look] {
            fs::write(&from, "ours").unwrap();
            assert_eq!(way(&from, &to), Err(Errno::EXIST));
            assert_eq!(fs::read(&to).unwrap(), b"theirs");
            way(&from, &free).unwrap();
            assert_eq!(fs::read(&free).unwrap(), b"ours");
            assert!(!from.exists());
            fs::remove_file(&free).unwrap();
        }
    }
}
