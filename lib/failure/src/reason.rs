//! What happened, for programs that act on it. A person reads the message.

/// The reason of a failure. For most failures the [`Status`](crate::Status) suffices: they are
/// [`Reason::Other`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// No program acts on it.
    #[default]
    Other,
    /// What is to be restored or made already exists.
    DestinationExists,
    /// The store or the archive directory has no backup, or none of that time.
    NoBackup,
    /// The path is not in the backup.
    NoSuchPath,
    /// The file or folder is not in the store.
    NoSuchFile,
    /// The connection to the store was lost: another try may succeed.
    ConnectionLost,
    /// The store has lost sets that the archive directory knows: a disk may not be mounted.
    StoreEmpty,
    /// The sets are of another host, source or backup.
    ForeignSets,
    /// The source lacks so much that the run stops.
    TooManyDeleted,
    /// The interrupted run can't be resumed, by no later run either.
    CannotResume,
    /// A list of what is to be read contains no path.
    EmptyList,
    /// A list of what is to be read contains a path that is not in the source.
    OutsideList,
    /// A pattern can match nothing in the source.
    OutsideSource,
    /// The last option that selects includes, which means nothing.
    LastIncludes,
    /// A file system has no more room for the user.
    DiskFull,
    /// The store has lost a file, or a part of it, that it said it had stored.
    NotStored,
}

/// The reasons by the names that travel in `failed.json`.
const NAMES: [(Reason, &str); 16] = [
    (Reason::Other, "other"),
    (Reason::DestinationExists, "destination-exists"),
    (Reason::NoBackup, "no-backup"),
    (Reason::NoSuchPath, "no-such-path"),
    (Reason::NoSuchFile, "no-such-file"),
    (Reason::ConnectionLost, "connection-lost"),
    (Reason::StoreEmpty, "store-empty"),
    (Reason::ForeignSets, "foreign-sets"),
    (Reason::TooManyDeleted, "too-many-deleted"),
    (Reason::CannotResume, "cannot-resume"),
    (Reason::EmptyList, "empty-list"),
    (Reason::OutsideList, "outside-list"),
    (Reason::OutsideSource, "outside-source"),
    (Reason::LastIncludes, "last-includes"),
    (Reason::DiskFull, "disk-full"),
    (Reason::NotStored, "not-stored"),
];

impl Reason {
    /// The name in `failed.json`.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(reason, _)| *reason == self).map_or("other", |(_, name)| name)
    }

    /// The reason of that name; [`Reason::Other`] for one that this version does not know.
    pub fn from_name(name: &str) -> Reason {
        NAMES.iter().find(|(_, known)| *known == name).map_or(Reason::Other, |(reason, _)| *reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_comes_back_by_its_name() {
        for (reason, name) in NAMES {
            assert_eq!((reason.name(), Reason::from_name(name)), (name, reason));
        }
        assert_eq!(Reason::from_name("of a later version"), Reason::Other);
    }
}
