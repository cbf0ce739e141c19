//! Copies of one backup that were extended separately.

use archive::{Fork, SetId};
use failure::{Failure, Status};
use store::Store;
use survey::Survey;

use crate::known::Known;

/// Refuses to bring sets to a copy that has others in their place: the first set here that the copy
/// has not was made right after the newest one that both have, as its seal says, and so the copy has
/// sets that were made without this one.
pub(crate) fn check(
    url: &str,
    survey: &mut Survey,
    store: &mut dyn Store,
    there: &Known,
) -> Result<(), Failure> {
    let here: Vec<SetId> = survey.collection.complete().map(|set| set.id).collect();
    let common = here.iter().copied().filter(|set| there.has_manifest_of(*set)).max();
    let Some(common) = common else { return Ok(()) };
    let ours = here.into_iter().filter(|set| set.time > common.time).min();
    let theirs = there.ids().filter(|set| set.time > common.time).min();
    let Some((ours, theirs)) = ours.zip(theirs) else { return Ok(()) };
    let Some(before) = survey.seal(store, common)?.map(|sealed| sealed.sha256.clone()) else {
        return Ok(());
    };
    let previous = survey.seal(store, ours)?.and_then(|sealed| sealed.seal.previous.as_ref());
    if previous != Some(&before) {
        return Ok(());
    }
    let fork = Fork { before: common, sets: (ours, theirs) };
    let why = format!("{fork}, the latter in the copy; copy this one into an empty folder");
    Err(Failure::of(Status::Integrity, url, why))
}
