//! One run at a time on an archive directory.
//!
//! A run is several processes, so a lock of one process is not enough. The first stage takes the
//! lock exclusively, writes the run's name into the lock file, and then shares the lock. The next
//! stages share it too, if the name is still that of their run. A new run can start only when no
//! stage of the last one is left. It is a kernel lock on duplicity's own lock file. So it ends with
//! the processes, and duplicity respects it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use failure::{Failure, OrFail, Status, shown};
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::Folder;

/// A share in the archive, until dropped.
#[derive(Debug)]
pub struct Lock {
    // The kernel drops the lock when this is closed.
    _file: File,
    run: String,
}

impl Lock {
    /// The name of the lock file.
    pub(crate) const NAME: &str = "lockfile";

    /// Starts a run.
    ///
    /// # Errors
    /// [`Status::Busy`] while a stage of another run, or duplicity, holds the lock.
    pub fn start(folder: &Folder) -> Result<Lock, Failure> {
        let mut file = open(folder)?;
        take(folder, &file, FlockOperation::NonBlockingLockExclusive)?;
        let run = new_name();
        let which = folder.path(Lock::NAME);
        file.set_len(0).or_fail(Status::Failed, shown(&which))?;
        file.write_all(run.as_bytes()).or_fail(Status::Failed, shown(&which))?;
        take(folder, &file, FlockOperation::NonBlockingLockShared)?;
        Ok(Lock { _file: file, run })
    }

    /// Joins the run of that name.
    ///
    /// # Errors
    /// [`Status::Busy`] if another run has started meanwhile; [`Status::Usage`] if the run was
    /// started without an archive.
    pub fn join(folder: &Folder, run: Option<&str>) -> Result<Lock, Failure> {
        let Some(run) = run else {
            let why = "--archive: the run was started without it (pass it to moo-scan too)";
            return Err(Failure::new(Status::Usage, why));
        };
        let mut file = open(folder)?;
        take(folder, &file, FlockOperation::NonBlockingLockShared)?;
        let mut holder = String::new();
        file.rewind()
            .and_then(|()| (&file).take(100).read_to_string(&mut holder))
            .or_fail(Status::Failed, shown(&folder.path(Lock::NAME)))?;
        if holder != run {
            return Err(busy(folder));
        }
        Ok(Lock { _file: file, run: holder })
    }

    /// The run's name, for the next stages.
    pub fn run(&self) -> &str {
        &self.run
    }
}

fn open(folder: &Folder) -> Result<File, Failure> {
    let path = folder.path(Lock::NAME);
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .or_fail(Status::Failed, shown(&path))
}

fn take(folder: &Folder, file: &File, how: FlockOperation) -> Result<(), Failure> {
    match rustix::fs::fcntl_lock(file, how) {
        Err(Errno::AGAIN | Errno::ACCESS) => Err(busy(folder)),
        taken => taken.or_fail(Status::Failed, shown(&folder.path(Lock::NAME))),
    }
}

fn busy(folder: &Folder) -> Failure {
    let why = "another run has locked the archive directory (try again when it has ended)";
    Failure::new(Status::Busy, format!("{}: {why}", shown(&folder.path(""))))
}

/// A name that no other run on this machine has.
fn new_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{}", std::process::id(), now.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_of_an_older_run_finds_out_that_another_has_started() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::create(scratch.path()).unwrap();
        let first = Lock::start(&folder).unwrap();
        let run = first.run().to_owned();
        drop(first);
        drop(Lock::start(&folder).unwrap());
        let late = Lock::join(&folder, Some(&run)).unwrap_err();
        assert_eq!(late.status(), Status::Busy);
    }
}
