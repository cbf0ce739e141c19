//! What counts as a change, and how many deletions are believed.

use failure::{Failure, Reason, Status};
use local::InodeBeside;

use crate::Scan;

/// So many entries may be deleted from a small source without a question.
const FEW: u64 = 100;

/// The user's word on doubtful changes.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    ignore_ctime: bool,
    ignore_inode: bool,
    allow_deletions: bool,
}

impl Rules {
    pub(crate) fn of(arguments: &Scan) -> Rules {
        Rules {
            ignore_ctime: arguments.ignore_ctime,
            ignore_inode: arguments.ignore_inode,
            allow_deletions: arguments.allow_deletions,
        }
    }

    /// Whether only the content can tell that a file is what it was, though its size, times and
    /// owner are: its inode is another or has changed, as after a write whose modification time was
    /// put back; or it may have changed in the tick in which it was stored.
    pub(crate) fn need_reading(&self, inode: InodeBeside) -> bool {
        let same_ctime = inode.same_ctime || self.ignore_ctime;
        let same_number = inode.same_number || self.ignore_inode;
        inode.is_recent || !same_ctime || !same_number
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
        Err(Failure::of(Status::Failed, source(), why).because(Reason::TooManyDeleted))
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
        Err(Failure::of(Status::Usage, source(), why))
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
        Err(Failure::of(Status::Failed, source(), why).because(Reason::TooManyDeleted))
    }
}
