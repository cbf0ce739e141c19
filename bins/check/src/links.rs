//! Whether each seal was made after the one before it.

use std::collections::{BTreeMap, HashSet};

use archive::{Collection, Link, SetId, SetTime};

use crate::findings::Findings;
use crate::seals::Sealed;

/// Checks that an increment was made on the very set before it. What a full set was made after may
/// have been removed since.
pub(crate) fn check(
    collection: &Collection,
    sealed: &BTreeMap<SetId, Sealed>,
    findings: &mut Findings,
) {
    let by_time: BTreeMap<SetTime, &Sealed> =
        sealed.values().map(|sealed| (sealed.set.time, sealed)).collect();
    let hashes: HashSet<&str> = sealed.values().map(|sealed| sealed.sha256.as_str()).collect();
    let links: Vec<Link> = sealed.values().map(Sealed::link).collect();
    for fork in archive::forks(&links) {
        findings.wrong("the store", fork);
    }
    for set in collection.complete() {
        let Some(Sealed { previous: Some(previous), .. }) = sealed.get(&set.id) else { continue };
        let base = set.id.base.and_then(|base| by_time.get(&base));
        match base {
            Some(base) if base.sha256 != *previous => {
                let why = format!("its seal does not follow the seal of the {}", base.set);
                findings.wrong(format!("the {}", set.id), why);
            }
            None if !hashes.contains(previous.as_str()) => {
                log::info!("the {}: the set before it is missing", set.id);
            }
            _ => {}
        }
    }
}
