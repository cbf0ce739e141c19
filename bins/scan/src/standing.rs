//! What a new set can build on, and which set was made last: sets may be dated later than the clock.

use archive::{Chain, Collection, SetId, SetTime, StoredSet};
use failure::{Failure, OrFail, Status, shown};
use local::{Folder, PATIENCE};

/// The archive as it stands at a time.
pub(crate) struct Standing<'a> {
    /// The chain that was made last, if an increment of this time can build on it.
    pub(crate) chain: Option<&'a Chain>,
    /// The SHA-256 of the seal that was made last, in hex.
    pub(crate) last_seal: Option<String>,
    /// The newest set, if it is dated later than the clock and no set has been made after it.
    pub(crate) ahead: Option<SetId>,
}

impl Standing<'_> {
    pub(crate) fn of<'a>(
        folder: &Folder,
        collection: &'a Collection,
        now: SetTime,
    ) -> Result<Standing<'a>, Failure> {
        let sets = collection.chains.iter().flat_map(|chain| &chain.sets);
        let Some(ahead) = sets.filter(|set| is_ahead(set.id.time, now)).max_by_key(|set| set.id)
        else {
            let (chain, last_seal) = (collection.newest_chain(), folder.newest_seal(collection)?);
            return Ok(Standing { chain, last_seal, ahead: None });
        };
        let hash = folder.seal_hash(ahead)?;
        let mut chain = None;
        for candidate in collection.chains.iter().filter(|chain| !is_ahead(chain.end(), now)) {
            if was_made_after(folder, collection, candidate, hash.as_deref(), now)? {
                chain = Some(candidate);
            }
        }
        let last = chain.and_then(|chain: &Chain| chain.sets.last());
        let last_seal = last.map(|set| folder.seal_hash(set)).transpose()?.flatten().or(hash);
        let ahead = Some(ahead.id).filter(|_| chain.is_none());
        Ok(Standing { chain, last_seal, ahead })
    }
}

/// Whether a time is one that a clock which shows `now` has still to reach.
pub(crate) fn is_ahead(time: SetTime, now: SetTime) -> bool {
    time.seconds() - now.seconds() > PATIENCE
}

/// Whether a chain was begun after the sets that are dated later: the seal of its full set says so,
/// or, where they have none, its date beside those of the other sets in their chains.
fn was_made_after(
    folder: &Folder,
    collection: &Collection,
    chain: &Chain,
    hash: Option<&str>,
    now: SetTime,
) -> Result<bool, Failure> {
    if let Some(hash) = hash {
        let previous = chain.sets.first().map(|full| previous(folder, full)).transpose()?.flatten();
        return Ok(previous.as_deref() == Some(hash));
    }
    let ahead = collection.chains.iter().filter(|other| is_ahead(other.end(), now));
    let times = ahead.flat_map(|other| &other.sets).map(|set| set.id.time);
    Ok(times.filter(|time| !is_ahead(*time, now)).all(|time| time < chain.start()))
}

/// The hash of the seal that a set was made after, as its own seal has it.
fn previous(folder: &Folder, set: &StoredSet) -> Result<Option<String>, Failure> {
    let Some(name) = &set.seal else { return Ok(None) };
    let path = folder.path(name);
    let bytes = std::fs::read(&path).or_fail(Status::Failed, shown(&path))?;
    Ok(openpgp::read_seal(name, &bytes)?.previous)
}
