//! What counts as a change, and how many deletions are believed.

use stream::member::{CTIME, INODE};
use stream::{Failure, Status};

use crate::Scan;

/// So many entries may be deleted from a small source without a question.
const FEW: u64 = 100;

/// The user's word on doubtful changes.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    ignored: Vec<&'static str>,
    allow_deletions: bool,
}

impl Rules {
    pub(crate) fn of(arguments: &Scan) -> Rules {
        let ignored = [(CTIME, arguments.ignore_ctime), (INODE, arguments.ignore_inode)];
        let ignored = ignored.into_iter().filter_map(|(fact, ignored)| ignored.then_some(fact));
        Rules { ignored: ignored.collect(), allow_deletions: arguments.allow_deletions }
    }

    /// Facts of an inode whose change alone is none.
    pub(crate) fn ignored(&self) -> &[&'static str] {
        &self.ignored
    }

    /// # Errors
    /// The source is empty and was not in the last backup.
    pub(crate) fn check_root(
        &self,
        has_lost_all: bool,
        source: impl Fn() -> String,
    ) -> Result<(), Failure> {
        if !has_lost_all || self.allow_deletions {
            return Ok(());
        }
        let why = "is empty, but the last backup has entries in it; is the disk mounted? \
            (use --allow-deletions to record all of them as deleted)";
        Err(Failure::new(Status::Failed, format!("{}: {why}", source())))
    }

    /// # Errors
    /// Nothing is selected.
    pub(crate) fn check_selection(
        &self,
        selects_nothing: bool,
        source: impl Fn() -> String,
    ) -> Result<(), Failure> {
        if !selects_nothing || self.allow_deletions {
            return Ok(());
        }
        let why = "nothing in it is selected; correct the options that include and exclude \
            (or use --allow-deletions to back up an empty tree)";
        Err(Failure::new(Status::Usage, format!("{}: {why}", source())))
    }

    /// # Errors
    /// More than half of the entries of the last backup would be recorded as deleted.
    pub(crate) fn check_deletions(
        &self,
        deleted: u64,
        entries: u64,
        source: impl Fn() -> String,
    ) -> Result<(), Failure> {
        if self.allow_deletions || deleted <= FEW || deleted <= entries / 2 {
            return Ok(());
        }
        let why = format!(
            "{deleted} of the {entries} entries of the last backup are gone, or excluded now; \
            is a disk not mounted? (use --allow-deletions to record them as deleted)"
        );
        Err(Failure::new(Status::Failed, format!("{}: {why}", source())))
    }
}
