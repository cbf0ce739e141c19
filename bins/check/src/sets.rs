//! Whether the store has the sets that it should have, and each of them its files.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use archive::{Collection, SetId, SetTime, StoredSet, parse_parity, parse_repaired, parse_seal};
use failure::Failure;
use survey::Survey;

use crate::findings::Findings;
use crate::seals::{Sealed, Seals};

/// What the seals of all sets say, by set.
pub(crate) fn seals(
    collection: &Collection,
    known: &Collection,
    seals: &mut Seals<'_>,
    findings: &mut Findings,
) -> Result<BTreeMap<SetId, Sealed>, Failure> {
    let mut all = BTreeMap::new();
    let known = ids(known);
    // A set that was never finished need not have a seal.
    let begun = |set: &&StoredSet| set.seal.is_some() || known.contains(&set.id);
    for set in collection.complete().chain(collection.incomplete.iter().filter(begun)) {
        if let Some(sealed) = seals.read(set, findings)? {
            all.insert(set.id, sealed);
        }
    }
    Ok(all)
}

/// Checks the names of sets and files.
pub(crate) fn check(
    collection: &Collection,
    known: &Collection,
    sealed: &BTreeMap<SetId, Sealed>,
    findings: &mut Findings,
) {
    for set in collection.sets() {
        match sealed.get(&set.id) {
            Some(sealed) => check_sealed(set, sealed, findings),
            None => check_numbers(set, findings),
        }
    }
    check_orphans(collection, findings);
    check_incomplete(collection, known, sealed, findings);
    check_known(collection, known, findings);
}

/// A set has the files that its seal names, and no others.
fn check_sealed(set: &StoredSet, sealed: &Sealed, findings: &mut Findings) {
    let there: HashSet<&str> = set.files().collect();
    let named: HashSet<&str> = sealed.files.iter().map(|file| file.name.as_str()).collect();
    for file in sealed.files.iter().filter(|file| !there.contains(file.name.as_str())) {
        findings.wrong(&file.name, "is missing");
    }
    let beside = |name: &&str| {
        let unsealed = Some(*name) == set.seal.as_deref() || parse_parity(name).is_some();
        !unsealed && !named.contains(name)
    };
    for name in set.files().filter(beside) {
        findings.wrong(name, "the seal does not name it");
    }
}

/// Of a set that nobody has sealed the numbers of the volumes tell something.
fn check_numbers(set: &StoredSet, findings: &mut Findings) {
    if set.manifest.is_none() {
        return;
    }
    let last = set.volumes.keys().next_back().copied().unwrap_or(1);
    for number in (1..=last).filter(|number| !set.volumes.contains_key(number)).take(1000) {
        findings.wrong(format!("the {}", set.id), format!("volume {number} is missing"));
    }
    if set.signatures.is_none() {
        findings.wrong(format!("the {}", set.id), "its signatures are missing");
    }
}

/// An increment that another one on the same base has taken the place of is of no account.
fn check_orphans(collection: &Collection, findings: &mut Findings) {
    let times: BTreeSet<SetTime> = collection.complete().map(|set| set.id.time).collect();
    for set in &collection.orphans {
        let base = set.id.base.filter(|base| !times.contains(base));
        match base {
            Some(base) => {
                let why = format!("the set of {base}, which it builds on, is missing");
                findings.wrong(format!("the {}", set.id), why);
            }
            None => log::info!("the {}: another increment has replaced it", set.id),
        }
    }
}

fn check_incomplete(
    collection: &Collection,
    known: &Collection,
    sealed: &BTreeMap<SetId, Sealed>,
    findings: &mut Findings,
) {
    let known = ids(known);
    for set in &collection.incomplete {
        // A seal names the manifest among the other files.
        if known.contains(&set.id) && !sealed.contains_key(&set.id) {
            findings.wrong(format!("the {}", set.id), "its manifest is missing");
        } else if !sealed.contains_key(&set.id) {
            log::info!("the {}: is incomplete", set.id);
        }
    }
}

/// The archive knows which sets there are. Older ones than all of the store may have been removed
/// there, and older ones than all of the archive be of a time before it.
fn check_known(collection: &Collection, known: &Collection, findings: &mut Findings) {
    let there: BTreeSet<SetId> = ids(collection);
    let known = ids(known);
    let all = collection.incomplete.iter().map(|set| set.id).chain(there.iter().copied());
    let named: BTreeSet<SetId> = all.collect();
    let oldest = there.iter().map(|set| set.time).min();
    for set in known.difference(&named) {
        if oldest.is_some_and(|oldest| set.time < oldest) {
            log::info!("the {set}: removed from the store");
        } else {
            findings
                .wrong(format!("the {set}"), "missing, although the archive directory knows it");
        }
    }
    let Some(oldest) = known.iter().map(|set| set.time).min() else { return };
    for set in there.difference(&known).filter(|set| set.time >= oldest) {
        findings.wrong(format!("the {set}"), "unknown to the archive directory");
    }
}

/// Checks the names of files: those that belong to no set, and those that were renamed.
pub(crate) fn check_names(survey: &Survey, findings: &mut Findings) {
    for set in survey.hidden() {
        let why = "all its files have temporary names: its upload was interrupted, or somebody renamed them";
        findings.wrong(format!("the {set}"), why);
    }
    for set in survey.cut() {
        let why = "has a seal of the seal key, but not all its files: its upload was interrupted, or \
                   somebody hid files";
        findings.wrong(format!("the {set}"), why);
    }
    for (name, there) in survey.renamed() {
        if store::final_name(there) == Some(name) {
            log::info!("{name}: has arrived, and the next backup renames it");
        } else if parse_repaired(there) == Some(name) {
            log::info!("{name}: is replaced by {there}");
        } else {
            findings.wrong(there, format!("is {name}, and has been renamed"));
        }
    }
    for name in survey.strangers() {
        match (parse_seal(name), store::final_name(name)) {
            (Some(_), _) => findings.wrong(name, "is a seal, but its set is missing"),
            _ if parse_parity(name).is_some() => log::info!("{name}: its set is missing"),
            (None, Some(name)) => log::info!("{name}: has not arrived yet, or was interrupted"),
            (None, None) => findings.wrong(name, "is no file of a backup"),
        }
    }
}

fn ids(collection: &Collection) -> BTreeSet<SetId> {
    collection.complete().map(|set| set.id).collect()
}
