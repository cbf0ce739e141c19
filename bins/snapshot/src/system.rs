//! What can make snapshots of a source.

use std::os::fd::OwnedFd;

use failure::Failure;

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
