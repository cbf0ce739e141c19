//! What must hold in the store before a set is sent there.

use archive::{Chain, Collection};
use stream::{Failure, OrFail, SetHead, Status};

/// Checks that the store, which has files of those names, is in the state that the set builds on.
pub(crate) fn check(url: &str, names: &[String], set: &SetHead) -> Result<(), Failure> {
    let collection = Collection::of(names.iter().cloned()).or_fail(Status::Integrity, url)?;
    let newest = collection.newest_chain().map(Chain::end);
    let hint = "make a full backup, or bring the archive up to date";
    match (set.base, newest) {
        (Some(base), None) => absent(url, &format!("has no set of {base} to build on ({hint})")),
        (Some(base), Some(newest)) if newest != base => {
            absent(url, &format!("its newest set is of {newest}, not of {base} ({hint})"))
        }
        (None, Some(newest)) if newest >= set.time => {
            absent(url, &format!("already has a set of {newest}, which is not before {}", set.time))
        }
        _ => Ok(()),
    }
}

fn absent(url: &str, why: &str) -> Result<(), Failure> {
    // A store that has moved on will not take the rest of an interrupted run later, either.
    Err(Failure::new(Status::Absent, format!("{url}: {why}")).ending_resume())
}
