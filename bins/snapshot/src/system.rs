//! What can make snapshots: btrfs, ZFS and LVM.

use std::os::fd::OwnedFd;

use failure::Failure;

use crate::btrfs::Btrfs;
use crate::live::Live;
use crate::lvm::Lvm;
use crate::zfs::Zfs;

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

    /// What holds the source.
    ///
    /// # Errors
    /// It is nothing of this kind.
    pub(crate) fn system(self, live: &Live) -> Result<Box<dyn System>, Failure> {
        Ok(match self {
            Kind::Btrfs => Box::new(Btrfs::of(live)?),
            Kind::Zfs => Box::new(Zfs::of(live)?),
            Kind::Lvm => Box::new(Lvm::of(live)?),
        })
    }
}

/// What holds the source, and can make snapshots of it.
pub(crate) trait System {
    /// A file that those who have a snapshot of it keep locked.
    fn lock(&self) -> Result<OwnedFd, Failure>;
    /// The names of its snapshots that bear a name of ours.
    fn snapshots(&self) -> Result<Vec<String>, Failure>;
    /// Makes a snapshot of that name.
    fn make(&self, name: &str) -> Result<(), Failure>;
    /// The directory of the source in the snapshot of that name.
    fn open(&self, name: &str) -> Result<OwnedFd, Failure>;
    /// Deletes the snapshot of that name.
    fn delete(&self, name: &str) -> Result<(), Failure>;
}
