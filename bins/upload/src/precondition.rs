//! What must hold in the store before a set is sent there.

use archive::Collection;
use failure::{Failure, Reason, Status};
use stream::SetHeader;

/// Checks that the set fits into the store, which has files of those names. Sets that it does not
/// build on do not matter, whatever their dates: anybody may have added them.
pub(crate) fn check(url: &str, names: &[String], set: &SetHeader) -> Result<(), Failure> {
    let collection = Collection::of(names.iter().cloned());
    let hint = "make a full backup, or update the archive directory with moo sync";
    if let Some(there) = collection.complete().find(|there| there.id.time == set.time) {
        return absent(url, &format!("already has the {}", there.id));
    }
    let Some(base) = set.base else { return Ok(()) };
    if let Some(rival) = collection.complete().find(|there| there.id.base == Some(base)) {
        return absent(url, &format!("already has the {} on the set of {base} ({hint})", rival.id));
    }
    // The files of the base may have other names, which who has its seal can tell.
    let newest = collection.newest_chain().map(archive::Chain::end);
    let may_be_hidden = newest.is_some() && !collection.strangers.is_empty();
    if may_be_hidden || collection.sets().any(|there| there.id.time == base) {
        return Ok(());
    }
    match newest {
        None => absent(url, &format!("has no set of {base} to build on ({hint})")),
        Some(newest) => absent(
            url,
            &format!("its newest set is of {newest}, and it has none of {base} ({hint})"),
        ),
    }
}

fn absent(url: &str, why: &str) -> Result<(), Failure> {
    // A store that has moved on will not take the rest of an interrupted run later, either.
    Err(Failure::of(Status::Absent, url, why).because(Reason::CannotResume))
}
