//! The sets that are left of a state, where some of a chain are damaged or missing.

use archive::{Absent, Collection, SetId, SetTime, StoredSet};
use local::Folder;
use stream::Failure;

use crate::Fetch;
use crate::selection::{none, not_there, time, warn_of_incomplete};

/// The sets of the wanted state, back to the full one, or to one whose base is not there; and how
/// many are not.
pub(crate) fn state<'a>(
    arguments: &Fetch,
    collection: &'a Collection,
    folder: Option<&Folder>,
) -> Result<(Vec<&'a StoredSet>, u64), Failure> {
    let url = &arguments.url;
    let time = time(arguments)?;
    let known = folder.map(Folder::collection).transpose()?;
    let known = known.and_then(|known| newest(&known, time));
    let newest = sets(collection).filter(|set| set.id.time <= time && exists(set, known));
    let Some(newest) = newest.max_by_key(|set| set.id) else {
        let first = collection.chains.iter().map(archive::Chain::start).min();
        return Err(none(url, Absent::NoBackup { wanted: time, first }));
    };
    if let Some(lost) = known.filter(|known| newest.id < *known) {
        return Err(not_there(url, lost, newest.id.time));
    }
    warn_of_incomplete(collection, Some(newest.id.time), time, url);
    Ok(chain(url, collection, newest))
}

/// From a set back to what it builds on, the oldest first.
fn chain<'a>(
    url: &str,
    collection: &'a Collection,
    newest: &'a StoredSet,
) -> (Vec<&'a StoredSet>, u64) {
    let mut chain = vec![newest];
    let mut last = newest.id;
    let mut lost = 0;
    while let Some(base) = last.base {
        let Some(set) = at(collection, base) else {
            log::warn!("{url}: the set of {base}, which the {last} builds on, is not there");
            lost = 1;
            break;
        };
        last = set.id;
        chain.push(set);
    }
    chain.reverse();
    (chain, lost)
}

/// All sets, also those whose manifests are not there.
fn sets(collection: &Collection) -> impl Iterator<Item = &StoredSet> {
    let complete = collection.chains.iter().flat_map(|chain| &chain.sets);
    complete.chain(&collection.orphans).chain(&collection.incomplete)
}

/// The set of that time: one that is complete, or else one that was, since another builds on it.
fn at(collection: &Collection, time: SetTime) -> Option<&StoredSet> {
    sets(collection).find(|set| set.id.time == time)
}

/// Whether a set was ever complete: it is, or the archive knows it.
fn exists(set: &StoredSet, known: Option<SetId>) -> bool {
    set.manifest.is_some() || Some(set.id) == known
}

/// The newest set that the archive knows for a time.
fn newest(known: &Collection, time: SetTime) -> Option<SetId> {
    let (chain, count) = known.chain_at(time).ok()?;
    chain.sets.get(count - 1).map(|set| set.id)
}
