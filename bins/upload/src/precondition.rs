//! What must hold in the store before a set is sent there.

use std::collections::BTreeSet;

use archive::Collection;
use store::Store;
use stream::{Begin, Failure, OrFail, Status};

/// Checks that the store is in the state that the set builds on. Returns the names of the files
/// that need not be sent, since they are there: only copies of whole stores can meet such.
pub(crate) fn check(
    url: &str,
    store: &mut dyn Store,
    begin: &Begin,
) -> Result<BTreeSet<String>, Failure> {
    let names: Vec<String> = store.list()?.into_iter().map(|stored| stored.name).collect();
    let Some(set) = &begin.set else {
        return Ok(names.into_iter().collect());
    };
    let collection = Collection::of(names).or_fail(Status::Integrity, url)?;
    let newest = collection.newest_chain().map(archive::Chain::end);
    let hint = "make a full backup, or bring the archive up to date";
    match (set.base, newest) {
        (Some(base), None) => absent(url, &format!("has no set of {base} to build on ({hint})")),
        (Some(base), Some(newest)) if newest != base => {
            absent(url, &format!("its newest set is of {newest}, not of {base} ({hint})"))
        }
        (None, Some(newest)) if newest >= set.time => {
            absent(url, &format!("already has a set of {newest}, which is not before {}", set.time))
        }
        _ => Ok(BTreeSet::new()),
    }
}

fn absent(url: &str, why: &str) -> Result<BTreeSet<String>, Failure> {
    Err(Failure::new(Status::Absent, format!("{url}: {why}")))
}
