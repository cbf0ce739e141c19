//! Stores: a flat folder of named files behind one trait, one module per kind of store.

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

/// A file in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A file that is being sent to a store.
pub trait Sink: Write {
    /// Completes the file. A store that sends in the background may report a failure later, from
    /// [`Store::arrive`] at the latest. A sink that is dropped without `finish` leaves an
    /// incomplete file.
    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// A flat folder of named files, somewhere.
///
/// No file in it is ever overwritten. Errors: [`Status::Refused`] if the store refuses,
/// [`Status::Lost`] if it cannot be reached, [`Status::Absent`] if the file or folder does not
/// exist, [`Status::Key`] if it rejects our key, or its host key is unknown.
pub trait Store {
    /// Creates the folder if it does not exist.
    fn prepare(&mut self) -> Result<(), Failure>;

    /// Lists all files in the folder. It leaves out names that are not UTF-8, or longer than 255
    /// bytes: no program of ours writes such names. A list that is too long is an error.
    fn list(&mut self) -> Result<Vec<Stored>, Failure>;

    /// Starts a new file. It gets `name` when it is published, and has a temporary name until then
    /// (see [`final_name`]).
    fn receive(&mut self, name: &str) -> Result<Box<dyn Sink>, Failure>;

    /// The temporary name of a finished file once all of it has arrived, or `None` before that.
    fn arrived(&mut self, name: &str) -> Option<String>;

    /// Treats the file `temporary`, which an earlier run has stored, as if this run had received it
    /// as `name`.
    fn adopt(&mut self, name: &str, temporary: &str);

    /// Waits until all received files have arrived.
    fn arrive(&mut self) -> Result<(), Failure>;

    /// Renames an arrived file to its final name, which must not exist.
    fn publish(&mut self, name: &str) -> Result<(), Failure>;

    /// Deletes the received files that are not published, if the store allows it, except those in
    /// `kept`, which a later run adopts.
    fn discard(&mut self, kept: &BTreeSet<String>);

    /// Opens a file for reading. A file that is longer than in the last list is an error.
    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure>;

    /// Deletes a file.
    fn remove(&mut self, name: &str) -> Result<(), Failure>;

    /// Makes all published files safe against a crash.
    fn settle(&mut self) -> Result<(), Failure>;
}

/// The store in a folder of this machine.
pub fn folder(path: &Path) -> Box<dyn Store> {
    Box::new(Listed::new(file::FileStore::new(&path.display().to_string(), path)))
}

/// Opens the store of a URL.
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
