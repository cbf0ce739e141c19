//! Stores: a flat folder of named files behind one trait, one module per kind of store.

mod file;
mod listed;
mod listing;
mod options;
mod prefix_options;
mod prefixed;
mod rclone;
mod sftp;
mod spelling;
mod temporary;
mod throttle;
mod tries;

use std::io::{Read, Write};
use std::path::Path;

use failure::{Failure, Status};

use crate::prefixed::PrefixedStore;

pub use listed::no_longer_than;
pub use options::Options;
pub use spelling::{spelling, spellings};
pub use temporary::{final_name, temporary_name};
pub use tries::Tries;

/// A file in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What a store can do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// It can rename a file without a copy of it.
    pub renames: bool,
    /// It needs the size of a file before its first byte, and takes it as a whole or not at all.
    pub whole_files: bool,
    /// The number of files that it is worth sending at a time, each over its own connection. 0: a
    /// write waits for no network.
    pub connections: usize,
    /// How often to try where it is lost.
    pub tries: u32,
}

/// A file that is being written to a store. Dropped without `finish`, it stays incomplete.
pub trait Sink: Write {
    /// Completes the file, safe against a crash of the store where the store can do that. Returns
    /// when the store has it.
    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// A flat folder of named files, somewhere.
///
/// No file in it is ever overwritten. Errors: [`Status::Refused`] if the store refuses,
/// [`Status::Lost`] if it cannot be reached, [`Status::Absent`] if the file or folder does not
/// exist, [`Status::Key`] if it rejects our key, or its host key is unknown.
///
/// A method tries again where the store is lost, up to [`Limits::tries`], except where it says
/// that it tries once.
pub trait Store: Send {
    /// What it can do. The first call may ask the store.
    fn limits(&mut self) -> Result<Limits, Failure>;

    /// Creates the folder if it does not exist.
    fn make_folder(&mut self) -> Result<(), Failure>;

    /// Lists all files in the folder. It leaves out names that are not UTF-8, or longer than 255
    /// bytes: no program of ours writes such names. A list that is too long is an error.
    fn list(&mut self) -> Result<Vec<Stored>, Failure>;

    /// Opens a file for reading. A file that is longer than in the last list is an error.
    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure>;

    /// Starts a new file, of `size` bytes if that is known (see [`Limits::whole_files`]). It and
    /// the file try once; a failure with [`Reason::ConnectionLost`](failure::Reason) is worth
    /// another file, under another name if possible: the first one may be in the way.
    fn create(&mut self, name: &str, size: Option<u64>) -> Result<Box<dyn Sink>, Failure>;

    /// Renames a file. The new name must not exist.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure>;

    /// Deletes a file.
    fn remove(&mut self, name: &str) -> Result<(), Failure>;

    /// Deletes a file that nobody needs: tries once, and not at all if the store is lost.
    fn discard(&mut self, name: &str) -> Result<(), Failure>;

    /// Makes all names safe against a crash, and checks what the store could not tell before.
    fn sync(&mut self) -> Result<(), Failure>;

    /// Shows the store, if it is connected, that we are there. To be called if idle for long.
    fn keep_alive(&mut self) {}

    /// The same store for another thread, over a connection of its own.
    fn another(&self) -> Box<dyn Store>;
}

/// The store in a folder of this machine.
pub fn folder(path: &Path) -> Box<dyn Store> {
    Box::new(file::FileStore::new(&failure::shown(path).to_string(), path))
}

/// An archive directory as a store.
///
/// # Errors
/// Its prefixes can't be read.
pub fn archive_directory(path: &Path) -> Result<Box<dyn Store>, Failure> {
    Ok(match local::shared_with(path)? {
        Some((above, prefixes)) => Box::new(PrefixedStore::new(folder(&above), prefixes)),
        None => folder(path),
    })
}

/// Opens the store of a URL, or what of it has the prefixes in the options. Without prefixes, all files are
/// seen: one with a prefix may be a file of the backup that somebody has renamed.
pub fn open(url: &str, options: &Options) -> Result<Box<dyn Store>, Failure> {
    let (prefixes, whole) = (options.prefixes()?, open_whole(url, options)?);
    if prefixes.is_empty() {
        return Ok(whole);
    }
    Ok(Box::new(PrefixedStore::new(whole, prefixes)))
}

fn open_whole(url: &str, options: &Options) -> Result<Box<dyn Store>, Failure> {
    let usage = |why: &str| Failure::of(Status::Usage, url, why);
    if let Some(remote) = url.strip_prefix("rclone:") {
        // rclone would take it for an option, such as one that writes a file.
        if remote.starts_with('-') {
            return Err(usage("no name of a remote begins with -"));
        }
        return match remote.contains(':') {
            true => Ok(Box::new(rclone::RcloneStore::new(url, remote, options))),
            false => Err(usage("names no remote (such as rclone:REMOTE:PATH)")),
        };
    }
    if let Some(path) = local::store_folder(url) {
        return Ok(Box::new(file::FileStore::new(url, path)));
    }
    match url.split_once("://") {
        Some(("file", _)) => Err(usage("names no folder")),
        Some(("sftp", rest)) => Ok(Box::new(sftp::SftpStore::new(rest, options)?)),
        Some((scheme, _)) => {
            Err(usage(&format!("no store of the kind {scheme} (file://, sftp:// and rclone: are)")))
        }
        None => Err(usage(
            "not a url (such as file:///srv/backup, sftp://user@host/backup or rclone:remote:backup)",
        )),
    }
}
