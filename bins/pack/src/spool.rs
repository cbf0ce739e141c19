//! Files that wait until the volumes before them have been sent: unfinished parts in the archive,
//! or, where none is kept, temporary ones.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use archive::{FileKind, SetId};
use failure::{Failure, OrFail, Status, TemporaryFile, shown};
use local::Folder;
use stream::{Annotations, FileWriter, Output};

/// Where the waiting files of a set are.
pub(crate) struct Spools {
    folder: Option<Folder>,
    set: SetId,
}

impl Spools {
    pub(crate) fn new(archive: Option<&Path>, set: SetId) -> Result<Spools, Failure> {
        Ok(Spools { folder: archive.map(Folder::open).transpose()?, set })
    }

    /// The archive, if there is one.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    /// The waiting file of that kind: of one that an interrupted run has left, `len` bytes count.
    pub(crate) fn open(&self, kind: FileKind, len: u64) -> Result<Spool, Failure> {
        self.named(&Folder::part_name(self.set, kind), len)
    }

    /// The same for the list of files, which becomes the end of the manifest.
    pub(crate) fn open_list(&self, len: u64) -> Result<Spool, Failure> {
        self.named(&Folder::journal_name(self.set.time, Folder::FILES), len)
    }

    fn named(&self, name: &str, len: u64) -> Result<Spool, Failure> {
        let Some(folder) = &self.folder else {
            return Ok(Spool { file: temporary()?, name: TemporaryFile.to_string() });
        };
        let file = folder.unfinished(name, len)?;
        Ok(Spool { file, name: shown(&folder.path(name)).to_string() })
    }
}

/// A waiting file.
pub(crate) struct Spool {
    file: File,
    name: String,
}

impl Spool {
    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The file, to write into.
    pub(crate) fn file(&self) -> Result<File, Failure> {
        self.file.try_clone().or_fail(Status::Failed, &self.name)
    }

    /// Makes what was written so far safe against a crash. Returns its length.
    pub(crate) fn sync(&self) -> Result<u64, Failure> {
        let synced = self.file.sync_data().and_then(|()| self.file.metadata());
        synced.map(|facts| facts.len()).or_fail(Status::Failed, &self.name)
    }

    /// Makes the file safe against a crash, and sends it under that name.
    pub(crate) fn send(mut self, output: &mut Output<File>, name: &str) -> Result<(), Failure> {
        self.file
            .sync_all()
            .and_then(|()| self.file.rewind())
            .or_fail(Status::Failed, &self.name)?;
        let mut writer = FileWriter::new(output, name);
        io::copy(&mut self.file, &mut writer).or_fail(Status::Failed, &self.name)?;
        writer.close(Annotations::default())
    }
}

/// A file without a name, which goes with the process.
fn temporary() -> Result<File, Failure> {
    tempfile::tempfile().or_fail(Status::Failed, TemporaryFile)
}
