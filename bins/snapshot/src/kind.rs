//! Kinds of snapshots.

/// A kind of snapshot.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A read-only snapshot of a subvolume.
    Btrfs,
    /// A snapshot of a dataset.
    Zfs,
    /// A snapshot of a logical volume, with any file system on it.
    Lvm,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Btrfs, Kind::Zfs, Kind::Lvm];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Btrfs => "btrfs",
            Kind::Zfs => "zfs",
            Kind::Lvm => "lvm",
        }
    }
}
