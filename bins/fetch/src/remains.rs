//! The sets that are left of a state, where some of a chain are damaged or missing.

use std::collections::HashMap;

use archive::{Absent, Collection, SetId, SetTime, StoredSet};
use failure::Failure;
use survey::{Survey, Uncounted};

use crate::Fetch;
use crate::absent::{none, not_there};
use crate::archive_directory::ArchiveDirectory;

/// The sets of the wanted state, back to the full one, or to one whose base is not there; and how
/// many are not. `state` is the state as it is found where nothing is missing.
pub(crate) fn state(
    arguments: &Fetch,
    survey: &Survey,
    (known, time): (Option<&ArchiveDirectory>, Option<SetTime>),
    state: &Result<Vec<StoredSet>, Absent>,
    gone: &[Uncounted],
) -> Result<(Vec<StoredSet>, u64), Failure> {
    let url = &arguments.url;
    let known = known.and_then(|known| newest(&known.collection, time));
    let whole = state.as_ref().ok().and_then(|sets| sets.last()).map(|set| set.id);
    let collection = &survey.collection;
    let in_time = |set: &&StoredSet| time.is_none_or(|time| set.id.time <= time);
    let there = collection.sets().filter(in_time).filter(|set| exists(set, known));
    let Some(newest) = there.max_by_key(|set| set.id) else {
        let first = collection.chains.iter().map(archive::Chain::start).min();
        let wanted = time.unwrap_or(SetTime::LAST);
        return Err(none(url, Absent::NoBackup { wanted, first }, gone));
    };
    match known.filter(|known| newest.id < *known && !survey.has(*known)) {
        Some(lost) if whole <= Some(newest.id) => Err(not_there(url, lost, newest.id.time)),
        _ => Ok(chain(url, collection, newest)),
    }
}

/// From a set back to what it builds on, the oldest first.
fn chain(url: &str, collection: &Collection, newest: &StoredSet) -> (Vec<StoredSet>, u64) {
    // Of sets of one time one that is complete counts.
    let mut at: HashMap<SetTime, &StoredSet> = HashMap::new();
    for set in collection.sets() {
        at.entry(set.id.time).or_insert(set);
    }
    let mut chain = vec![newest.clone()];
    let mut last = newest.id;
    let mut lost = 0;
    while let Some(base) = last.base {
        let Some(&set) = at.get(&base) else {
            log::warn!("{url}: the set of {base}, which the {last} builds on, is missing");
            lost = 1;
            break;
        };
        last = set.id;
        chain.push(set.clone());
    }
    chain.reverse();
    (chain, lost)
}

/// Whether a set was ever complete: it is, or the archive knows it.
fn exists(set: &StoredSet, known: Option<SetId>) -> bool {
    set.manifest.is_some() || Some(set.id) == known
}

/// The newest set that the archive knows for a time.
fn newest(known: &Collection, time: Option<SetTime>) -> Option<SetId> {
    let (chain, count) = known.chain_at(time.unwrap_or(SetTime::LAST)).ok()?;
    chain.sets.get(count - 1).map(|set| set.id)
}
