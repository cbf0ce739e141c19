//! The files that a set should have, and what has become of them.

use std::collections::HashMap;

use archive::SealedFile;
use failure::Failure;
use progress::Files;
use sha2::Sha256;
use survey::{Survey, digest, of_one_file};

use crate::content::Content;
use crate::place::Place;

/// A file that a set should have.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    /// Its size in bytes, if the seal tells it.
    pub(crate) size: Option<u64>,
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: String,
    pub(crate) state: State,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In its place.
    Good,
    /// Under that name.
    Elsewhere(String),
    /// Another file, or none, is in its place.
    Bad,
}

impl Item {
    pub(crate) fn of(file: &SealedFile) -> Item {
        let SealedFile { name, sha256, size, .. } = file.clone();
        Item { name, size, sha256, state: State::Bad }
    }

    /// Whether its content is nowhere in the store.
    pub(crate) fn is_bad(&self) -> bool {
        self.state == State::Bad
    }

    /// Whether that is its content.
    pub(crate) fn has(&self, content: &Content) -> bool {
        content.sha256 == self.sha256 && self.size.is_none_or(|size| size == content.size)
    }

    /// The name in the store of the file that has its content.
    pub(crate) fn there(&self) -> Option<&str> {
        match &self.state {
            State::Good => Some(&self.name),
            State::Elsewhere(there) => Some(there),
            State::Bad => None,
        }
    }
}

/// Finds out where the files are, by the hashes of all that bear the names of the set.
pub(crate) fn examine(
    items: &mut [Item],
    survey: &Survey,
    place: &mut Place,
) -> Result<(), Failure> {
    let mut report = Files::start(items.iter().map(|item| survey.size(&item.name)));
    // Of two files that were exchanged, each has the hash of the other.
    let mut found: HashMap<String, String> = HashMap::new();
    for item in &mut *items {
        report.next(&item.name, survey.size(&item.name));
        let Some(there) = survey.find(&item.name) else { continue };
        let read =
            place.open(there).and_then(|file| digest::<Sha256>(there, &mut report.count(file)));
        match read {
            Ok(hash) if hash == item.sha256 && there == item.name => item.state = State::Good,
            Ok(hash) => {
                found.insert(hash, there.to_owned());
            }
            Err(failure) if of_one_file(&failure) => log::info!("{failure}"),
            Err(failure) => return Err(failure),
        }
    }
    for item in items.iter_mut().filter(|item| item.is_bad()) {
        if let Some(there) = found.get(&item.sha256) {
            item.state = State::Elsewhere(there.clone());
        }
    }
    Ok(())
}
