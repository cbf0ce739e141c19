//! The statistics as JSON that moo-pack has made.

use archive::{FileKind, SetId};
use failure::{Failure, OrFail, Status};
use local::Folder;

/// The statistics as JSON that wait in the archive directory.
pub(crate) fn json(folder: &Folder, set: SetId) -> Result<String, Failure> {
    let path = folder.path(&Folder::part_name(set, FileKind::Stats));
    std::fs::read_to_string(&path).or_fail(Status::Failed, failure::shown(&path))
}
