//! Files that wait until the volumes before them have been sent: unfinished parts in the archive,
//! or, where none is kept, temporary ones.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use archive::{FileKind, SetId};
use local::Folder;
use stream::{Facts, Failure, FileWriter, OrFail, Output, Status};

/// What messages call a temporary file, which has no name of its own.
pub(crate) const NAME: &str = "temporary file";

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

    /// A new waiting file.
    pub(crate) fn open(&self, kind: FileKind) -> Result<Spool, Failure> {
        let Some(folder) = &self.folder else {
            return Ok(Spool { file: temporary()?, name: NAME.to_owned() });
        };
        let file = folder.create_part(self.set, kind)?;
        let name = folder.path(&Folder::part_name(self.set, kind)).display().to_string();
        Ok(Spool { file, name })
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

    /// Makes the file safe against a crash, and sends it under that name.
    pub(crate) fn send(mut self, output: &mut Output<File>, name: &str) -> Result<(), Failure> {
        self.file
            .sync_all()
            .and_then(|()| self.file.rewind())
            .or_fail(Status::Failed, &self.name)?;
        let mut writer = FileWriter::new(output, name);
        io::copy(&mut self.file, &mut writer).or_fail(Status::Failed, &self.name)?;
        writer.close(Facts::default())
    }
}

/// A file without a name, which goes with the process.
pub(crate) fn temporary() -> Result<File, Failure> {
    tempfile::tempfile().or_fail(Status::Failed, NAME)
}
