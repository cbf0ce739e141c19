//! The actions of duplicity.

use std::ffi::OsString;

/// What duplicity does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// An increment, or a full set where there is nothing to extend.
    Backup,
    Full,
    Incremental,
    Restore,
    Verify,
    CollectionStatus,
    ListCurrentFiles,
    Cleanup,
    RemoveOlderThan(OsString),
    RemoveAllButNFull(OsString),
    RemoveAllIncOfButNFull(OsString),
    Replicate,
}

impl Action {
    /// Whether it makes a set.
    pub(crate) fn backs_up(&self) -> bool {
        matches!(self, Action::Backup | Action::Full | Action::Incremental)
    }
}
