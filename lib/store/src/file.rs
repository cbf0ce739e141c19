//! A folder of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Reason, Status};
use rustix::fs::{AtFlags, CWD, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::listed::{ListedSizes, of_folder};
use crate::listing::Listing;
use crate::{Limits, Sink, Store, Stored, temporary};

/// `file:///absolute` or `file://relative`.
#[derive(Clone)]
pub(crate) struct FileStore {
    url: String,
    folder: PathBuf,
    sizes: ListedSizes,
}

impl FileStore {
    pub(crate) fn new(url: &str, path: &Path) -> FileStore {
        // A folder can't be made by a path that ends with `.`.
        let folder = path.components().collect();
        FileStore { url: url.to_owned(), folder, sizes: ListedSizes::default() }
    }

    fn which(&self, name: &str) -> String {
        format!("{}/{name}", self.url.trim_end_matches('/'))
    }
}

impl Store for FileStore {
    fn limits(&mut self) -> Result<Limits, Failure> {
        Ok(Limits { renames: true, whole_files: false, connections: 0, tries: 1 })
    }

    /// Creates the folder only below an existing one, because the path of an unmounted disk is not
    /// a store.
    fn make_folder(&mut self) -> Result<(), Failure> {
        match fs::DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let above = self.folder.parent().unwrap_or(&self.folder);
                let above = failure::shown(above);
                let why = match self.folder.is_absolute() {
                    true => format!("there is no folder {above} (is the disk mounted?)"),
                    false => {
                        format!("there is no folder {above} here; file:///... is an absolute path")
                    }
                };
                Err(Failure::of(Status::Lost, &self.url, why))
            }
            made => made.or_fail(Status::Refused, &self.url),
        }
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        let mut listing = Listing::new(&self.url, None);
        let entries = by_kind(fs::read_dir(&self.folder), &self.url);
        for entry in entries.map_err(|failure| of_folder(failure, &self.url))? {
            let entry = by_kind(entry, &self.url)?;
            let facts = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                facts => by_kind(facts, &self.url)?,
            };
            let size = facts.is_file().then_some(facts.len());
            listing.add(entry.file_name().as_bytes(), size)?;
        }
        let files = listing.finish();
        self.sizes.learn(&files);
        Ok(files)
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        let which = self.which(name);
        // The owner of a named pipe could keep its reader waiting for ever.
        let mut options = OpenOptions::new();
        let options = options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let file = by_kind(options.open(self.folder.join(name)), &which)?;
        if !by_kind(file.metadata(), &which)?.is_file() {
            let failure = Failure::of(Status::Absent, which, "not a regular file");
            return Err(failure.because(Reason::NoSuchFile));
        }
        Ok(self.sizes.limit(name, file))
    }

    fn create(&mut self, name: &str, _size: Option<u64>) -> Result<Box<dyn Sink>, Failure> {
        let which = self.which(temporary::shown(name));
        let mut new = OpenOptions::new();
        let file = new.write(true).create_new(true).mode(0o600).open(self.folder.join(name));
        Ok(Box::new(FileSink { file: file.or_fail(Status::Refused, &which)?, which }))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        let (old, new) = (self.folder.join(from), self.folder.join(to));
        rename(&old, &new).or_fail(Status::Refused, self.which(to))
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        by_kind(fs::remove_file(self.folder.join(name)), &self.which(name))
    }

    fn discard(&mut self, name: &str) -> Result<(), Failure> {
        self.remove(name)
    }

    fn sync(&mut self) -> Result<(), Failure> {
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.or_fail(Status::Refused, &self.url)
    }

    fn another(&self) -> Box<dyn Store> {
        Box::new(self.clone())
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
fn by_kind<T>(done: io::Result<T>, which: &str) -> Result<T, Failure> {
    if matches!(&done, Err(error) if error.kind() == io::ErrorKind::NotFound) {
        let failed = done.or_fail(Status::Absent, which);
        return failed.map_err(|failure| failure.because(Reason::NoSuchFile));
    }
    done.or_fail(Status::Refused, which)
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
