//! Files that are rebuilt from the parity of their group.

use std::io::Read;

use failure::{Failure, OrFail, Status};
use parity::{Description, Healing, Rebuilt, Recovery};
use survey::of_one_file;

use crate::content::{Content, Draft};
use crate::place::Place;

/// A group whose damaged shards are rebuilt.
pub(crate) struct Group<'a> {
    described: &'a Description,
    rebuilt: Rebuilt,
}

impl<'a> Group<'a> {
    /// Reads a group and its parity file. `there` says which file of the store has the content of a
    /// file of the group, or what is left of it.
    ///
    /// # Errors
    /// Too much is damaged.
    pub(crate) fn rebuild(
        described: &'a Description,
        name: &str,
        there: &dyn Fn(&str) -> Option<String>,
        place: &mut Place,
    ) -> Result<Group<'a>, Failure> {
        let mut healing = Healing::new(described)?;
        for file in &described.files {
            let mut from = opened(there(&file.name), place)?;
            let from = from.as_mut().map(|from| from as &mut dyn Read);
            healing.file(file.covered, from)?;
        }
        let mut recovery = Recovery::new(described, place.open(name)?);
        let rebuilt = healing.finish(&mut recovery)?;
        Ok(Group { described, rebuilt })
    }

    /// A file of the group. Whether it is right is for its hash to tell.
    pub(crate) fn content(
        &self,
        number: usize,
        there: &dyn Fn(&str) -> Option<String>,
        place: &mut Place,
    ) -> Result<Content, Failure> {
        let name = self.described.files.get(number).map_or("", |file| &file.name);
        let stored = opened(there(name), place)?;
        let mut draft = Draft::new()?;
        self.rebuilt.write_file(self.described, number, stored, &mut draft)?;
        draft.finish()
    }
}

type Stored = Box<dyn Read + Send + Sync>;

/// A file of the store, if it can be opened.
fn opened(there: Option<String>, place: &mut Place) -> Result<Option<Stored>, Failure> {
    let Some(there) = there else { return Ok(None) };
    match place.open(&there) {
        // A file that is too long is right up to there.
        Ok(file) => Ok(Some(file)),
        Err(failure) if of_one_file(&failure) => {
            log::info!("{failure}");
            Ok(None)
        }
        Err(failure) => Err(failure).or_fail(Status::Refused, there),
    }
}
