//! Kinds of snapshots.

use clap::ValueEnum;

/// A kind of snapshot.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A read-only snapshot of a subvolume.
    Btrfs,
    /// A snapshot of a dataset.
    Zfs,
    /// A snapshot of a logical volume, with any file system on it.
    Lvm,
}

impl Kind {
    /// Its name on the command line.
    pub(crate) fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The kind of that name.
    pub(crate) fn parse(word: &[u8]) -> Option<Kind> {
        Kind::from_str(str::from_utf8(word).ok()?, false).ok()
    }
}
