//! The archive directory of a call.

use archive::Collection;
use failure::Failure;
use local::Folder;

use crate::Fetch;

/// What the archive directory has.
pub(crate) struct ArchiveDirectory {
    folder: Folder,
    pub(crate) collection: Collection,
}

impl ArchiveDirectory {
    /// Looks at the archive directory, where there is one.
    pub(crate) fn of(arguments: &Fetch) -> Result<Option<ArchiveDirectory>, Failure> {
        let Some(path) = &arguments.archive else { return Ok(None) };
        let folder = Folder::open(path)?;
        let collection = folder.collection()?;
        Ok(Some(ArchiveDirectory { folder, collection }))
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }
}
