//! A snapshot while it is needed.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cli::lifeline::hand_down;
use failure::{Failure, OrFail, Status};
use local::new_snapshot_name;
use rustix::fs::{FlockOperation, flock};
use rustix::thread::{CapabilitySet, capabilities};

use crate::btrfs::Btrfs;
use crate::kind::Kind;
use crate::live::Live;
use crate::lvm::Lvm;
use crate::record::{Left, Record};
use crate::say;
use crate::system::System;
use crate::zfs::Zfs;

/// A snapshot; deleted when dropped.
pub(crate) struct Taken {
    system: Box<dyn System>,
    name: String,
    /// The directory of the source in it, which the program inherits.
    directory: Option<OwnedFd>,
    /// The name of the source there.
    entry: OsString,
    /// Before it was made.
    time: Duration,
    record: Option<Record>,
    /// Locked for as long as there is the snapshot.
    _lock: OwnedFd,
}

impl Taken {
    /// Makes a snapshot of what holds the source, and deletes what earlier runs have left.
    pub(crate) fn take(kind: Kind, source: &OsStr) -> Result<Taken, Failure> {
        check_rights()?;
        let live = Live::open(source)?;
        let system = system(kind, &live)?;
        let lock = system.lock()?;
        delete_leftovers(&*system, &lock)?;
        let name = new_snapshot_name().or_fail(Status::Failed, "/dev/urandom")?;
        let left = Left { kind, source: live.absolute().into(), name: name.clone() };
        let record = Record::write(&left)?;
        // What changes from here on may be in it or not.
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let entry = live.entry;
        let mut taken = Taken { system, name, directory: None, entry, time, record, _lock: lock };
        taken.system.make(&taken.name)?;
        let directory = taken.system.open(&taken.name)?;
        let directory = hand_down(&directory).or_fail(Status::Failed, "a descriptor")?;
        taken.directory = Some(directory);
        Ok(taken)
    }

    /// The options of moo-scan that read it.
    pub(crate) fn options(&self) -> [OsString; 2] {
        let number = self.directory.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let mut path = OsString::from(format!("--read-from=/proc/self/fd/{number}/"));
        path.push(&self.entry);
        let (seconds, nanos) = (self.time.as_secs(), self.time.subsec_nanos());
        [path, format!("--frozen={seconds}.{nanos:09}").into()]
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.directory = None;
        match self.system.delete(&self.name) {
            Ok(()) => self.record.take().into_iter().for_each(Record::delete),
            Err(failure) => say(&format!("{failure}; the next run deletes the snapshot")),
        }
    }
}

/// Deletes the snapshot that a record names.
pub(crate) fn clear(record: &Path) -> Result<(), Failure> {
    let left = Left::read(record)?;
    let live = Live::open(&left.source)?;
    system(left.kind, &live)?.delete(&left.name)
}

/// Only who may delete a snapshot makes one.
fn check_rights() -> Result<(), Failure> {
    let rights = capabilities(None).or_fail(Status::Failed, "capabilities")?;
    if rights.effective.contains(CapabilitySet::SYS_ADMIN) {
        return Ok(());
    }
    let why = "needs root; run the backup by root: with systemd, systemctl enable --now moobacker-root.timer";
    Err(Failure::of(Status::Failed, "--snapshot", why))
}

/// Deletes the snapshots of killed runs. While another run has one, nobody can tell which they are.
fn delete_leftovers(system: &dyn System, lock: &OwnedFd) -> Result<(), Failure> {
    if flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
        for name in system.snapshots()? {
            if let Err(failure) = system.delete(&name) {
                say(&format!("{name} of an earlier run: {failure}"));
            }
        }
    }
    flock(lock, FlockOperation::LockShared).or_fail(Status::Failed, "the lock of the snapshots")
}

/// What holds the source.
///
/// # Errors
/// It is nothing of this kind.
fn system(kind: Kind, live: &Live) -> Result<Box<dyn System>, Failure> {
    Ok(match kind {
        Kind::Btrfs => Box::new(Btrfs::of(live)?),
        Kind::Zfs => Box::new(Zfs::of(live)?),
        Kind::Lvm => Box::new(Lvm::of(live)?),
    })
}
