//! Where backups are kept: a flat folder of named files behind one trait, one module a kind of
//! store.

mod file;
mod held;
mod listed;
mod listing;
mod options;
mod rclone;
mod retry;
mod sftp;
mod spelling;
mod temporary;
mod throttle;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;

use failure::{Failure, Status};

use crate::listed::Listed;

pub use listed::no_longer_than;
pub use options::Options;
pub use spelling::{spelling, spellings};
pub use temporary::final_name;

/// A file that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A file that is on its way into a store.
pub trait Sink: Write {
    /// Tells that the file is complete. A store that sends in the background may report what goes
    /// wrong later, at the latest when it is asked whether the file has arrived. Dropped without it, the file
    /// is cut.
    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// A flat folder of named files, somewhere.
///
/// Nothing in it is ever overwritten. Errors: [`Status::Refused`] where the store says no,
/// [`Status::Lost`] where it is out of reach, [`Status::Absent`] where what is asked for is not
/// there, [`Status::Key`] where it does not take our key, or we do not know its own.
pub trait Store {
    /// Makes the folder if it is not there.
    fn prepare(&mut self) -> Result<(), Failure>;

    /// All files in the folder; names that are not UTF-8, or longer than 255 bytes, are none of ours and left
    /// out. A list that is too long for any store, or does not end, is an error.
    fn list(&mut self) -> Result<Vec<Stored>, Failure>;

    /// A new file, which is going to bear that name. Until it is published it has a temporary one
    /// (see [`final_name`]).
    fn receive(&mut self, name: &str) -> Result<Box<dyn Sink>, Failure>;

    /// The temporary name of a file whose sink was finished, once it has truly arrived; none while
    /// it is on its way.
    fn arrived(&mut self, name: &str) -> Option<String>;

    /// Takes a file that has arrived in an earlier run, and bears that temporary name, for one that
    /// was received.
    fn adopt(&mut self, name: &str, temporary: &str);

    /// Waits until all that was received has arrived.
    fn arrive(&mut self) -> Result<(), Failure>;

    /// Gives a file that has arrived its name, which must not be taken.
    fn publish(&mut self, name: &str) -> Result<(), Failure>;

    /// Removes, where the store lets us, what was received and not published, but for those that
    /// are to be `kept` for a later run.
    fn discard(&mut self, kept: &BTreeSet<String>);

    /// The content of a file; an error where it is longer than the last list says.
    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure>;

    /// Removes a file.
    fn remove(&mut self, name: &str) -> Result<(), Failure>;

    /// Makes all that was published so far safe against a crash.
    fn settle(&mut self) -> Result<(), Failure>;
}

/// A folder of this machine.
pub fn folder(path: &Path) -> Box<dyn Store> {
    Box::new(Listed::new(file::FileStore::new(&path.display().to_string(), path)))
}

/// The store behind a URL.
pub fn open(url: &str, options: &Options) -> Result<Box<dyn Store>, Failure> {
    let usage = |why: &str| Failure::of(Status::Usage, url, why);
    if let Some(remote) = url.strip_prefix("rclone:") {
        return match remote.contains(':') {
            true => Ok(Box::new(Listed::new(rclone::RcloneStore::new(url, remote, options)))),
            false => Err(usage("names no remote (such as rclone:REMOTE:PATH)")),
        };
    }
    if let Some(path) = local::store_folder(url) {
        return Ok(Box::new(Listed::new(file::FileStore::new(url, path))));
    }
    match url.split_once("://") {
        Some(("file", _)) => Err(usage("names no folder")),
        Some(("sftp", rest)) => Ok(Box::new(Listed::new(sftp::SftpStore::new(rest, options)?))),
        Some((scheme, _)) => {
            Err(usage(&format!("no store of the kind {scheme} (file://, sftp:// and rclone: are)")))
        }
        None => Err(usage(
            "not a url (such as file:///srv/backup, sftp://user@host/backup or rclone:remote:backup)",
        )),
    }
}
