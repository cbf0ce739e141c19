//! The record of one set for one path.

use archive::{Part, StoredSet, TreePath};
use failure::Failure;

use crate::signatures::Source;
use crate::{Folder, Known};

/// The record of a set for a path.
#[derive(Clone, Debug)]
pub enum Said {
    /// No record: in an increment the path is unchanged, in a full set it does not exist.
    Nothing,
    /// It is gone.
    Deleted,
    /// It is new, or has changed to that.
    Is(Box<Known>),
}

impl Folder {
    /// What the signatures of a set say of a path.
    ///
    /// # Errors
    /// The set's signatures are not here, or damaged before that path.
    pub fn said(&self, set: &StoredSet, path: &TreePath) -> Result<Said, Failure> {
        let (which, tar) = self.signature_tar(set, 1)?;
        let mut source = Source::new(which, tar);
        while let Some((name, member)) = source.advance()? {
            if name.path < *path {
                continue;
            }
            return Ok(match name.part {
                _ if name.path != *path => Said::Nothing,
                Part::Deleted => Said::Deleted,
                part => Said::Is(Box::new(Known::new(name.path, part, member))),
            });
        }
        Ok(Said::Nothing)
    }
}
