//! Where backups are kept: a flat folder of named files behind one trait, one module a kind of
//! store.

mod file;

use std::io::{Read, Write};

use stream::{Failure, Status};

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
    /// Makes the file's content safe against a crash. Dropped without it, the file is cut.
    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// A flat folder of named files, somewhere.
///
/// Nothing in it is ever overwritten. Errors: [`Status::Refused`] where the store says no,
/// [`Status::Lost`] where it is out of reach, [`Status::Absent`] where what is asked for is not
/// there.
pub trait Store {
    /// Makes the folder if it is not there.
    fn prepare(&mut self) -> Result<(), Failure>;

    /// All files in the folder; names that are not UTF-8 are none of ours and left out.
    fn list(&mut self) -> Result<Vec<Stored>, Failure>;

    /// A new file, which must not be there yet.
    fn create(&mut self, name: &str) -> Result<Box<dyn Sink>, Failure>;

    /// The content of a file.
    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure>;

    /// Gives a file its final name, which must not be taken.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure>;

    /// Removes a file.
    fn remove(&mut self, name: &str) -> Result<(), Failure>;

    /// Makes all renames so far safe against a crash.
    fn settle(&mut self) -> Result<(), Failure>;
}

/// The store behind a URL.
pub fn open(url: &str) -> Result<Box<dyn Store>, Failure> {
    let usage = |why: &str| Failure::new(Status::Usage, format!("{url}: {why}"));
    match url.split_once("://") {
        Some(("file", "")) => Err(usage("names no folder")),
        Some(("file", path)) => Ok(Box::new(file::FileStore::new(url, path))),
        Some((scheme, _)) => Err(usage(&format!("no store of the kind {scheme} (file:// is)"))),
        None => Err(usage("not a url (such as file:///srv/backup)")),
    }
}
