//! The problems of a store, and notes.

use cli::legible;
use std::collections::{BTreeMap, BTreeSet};

use archive::{SetId, SetTime};

use crate::finding::Finding;
use crate::inventory::{Damage, Inventory, Known, Set};
use cli::shown;
use survey::Misfit;

/// How many of a kind a finding names.
const NAMED: usize = 5;

/// How far the clocks of two machines may be apart, in seconds.
pub(crate) const SKEW: i64 = 3600;

/// All findings, by set.
pub(crate) fn all(inventory: &Inventory, known: Option<&Known>) -> Vec<Finding> {
    let mut found = Vec::new();
    for set in inventory.chains.iter().flatten() {
        found.extend(lost_files(set));
        found.extend(oddities(set, inventory.now));
    }
    found.extend(damage(&inventory.damage));
    found.extend(orphans(inventory));
    found.extend(inventory.doubts.unlinked.iter().map(|(id, before)| {
        let what = format!("its seal does not follow the seal of the {before}");
        Finding::lost("base", *id, what)
    }));
    if let Some(known) = known {
        found.extend(of_archive(inventory, known));
    }
    let lost = &inventory.lost;
    found.extend(lost.iter().filter(|id| !is_known(known, **id)).map(|id| {
        Finding::lost(
            "manifest",
            *id,
            "the manifest is missing, and its seal shows that it was there",
        )
    }));
    let incomplete = inventory.incomplete.iter().map(|set| set.stored.id);
    let cut_off = incomplete.filter(|id| !is_known(known, *id) && !lost.contains(id));
    found.extend(
        cut_off.map(|id| {
            Finding::note("incomplete", Some(id), "has no manifest, so it does not count")
        }),
    );
    // Of a set that somebody else may have made, nothing can be lost that is ours.
    for finding in &mut found {
        let is_strange =
            |id| inventory.doubts.about(id) || known.is_some_and(|known| known.is_strange(id));
        finding.lost &= !finding.set.is_some_and(is_strange);
    }
    found.extend(inventory.hidden.iter().map(|id| {
        let what = "all its files have temporary names: its upload was interrupted, or somebody renamed them";
        Finding::note("renamed", Some(*id), what)
    }));
    found.extend(inventory.cut.iter().map(|id| {
        let what = "has a seal of the seal key, but not all its files: its upload was interrupted, or \
                    somebody hid files; it does not count";
        Finding::note("incomplete", Some(*id), what)
    }));
    found.sort_by_key(|finding| finding.set);
    found.extend(unfinished(inventory));
    found.extend(foreign(inventory));
    found.extend(renamed(inventory));
    let belonging = &inventory.doubts.belonging;
    found.extend(belonging.several.iter().map(|what| Finding {
        lost: true,
        kind: "several",
        set: None,
        what: what.clone(),
    }));
    found.extend(belonging.foreign.iter().map(|(id, identity)| {
        let what = format!("is of another backup, {identity}, and does not count");
        Finding::note("other", Some(*id), what)
    }));
    let forks = inventory.doubts.forks.iter();
    found.extend(forks.map(|fork| Finding::note("fork", None, fork.to_string())));
    let unsealed = inventory.doubts.unsealed.iter();
    found.extend(unsealed.map(|id| {
        Finding::note("unsealed", Some(*id), "has no seal of the seal key, and does not count")
    }));
    found
}

fn is_known(known: Option<&Known>, id: SetId) -> bool {
    known.is_some_and(|known| known.sets.contains_key(&id))
}

/// What a complete set lacks.
fn lost_files(set: &Set) -> Vec<Finding> {
    let (id, stored) = (set.stored.id, &set.stored);
    let mut found = Vec::new();
    let there = &stored.volumes;
    let last = there.keys().next_back().copied().unwrap_or(1);
    let last = set.known.as_ref().map_or(last, |known| known.volumes);
    let lost = last.saturating_sub(there.range(..=last).count() as u64);
    if lost > 0 {
        let first = (1..=last).filter(|number| !there.contains_key(number)).take(NAMED);
        found.push(Finding::lost("volume", id, volumes(&first.collect::<Vec<_>>(), lost)));
    }
    if stored.signatures.is_none() {
        found.push(Finding::lost("signatures", id, "the signatures are missing"));
    }
    if stored.seal.is_none() && set.known.as_ref().is_some_and(|known| known.sealed) {
        found.push(Finding::lost("seal", id, "the seal is missing"));
    }
    found
}

/// What sizes and seals show without reading a file. A damaged seal in the store is not an error: anybody who
/// can add files can add one to a set without a seal.
fn damage(damage: &Damage) -> Vec<Finding> {
    let of_set = |files: &[Misfit]| {
        let (first, more) = files.split_first()?;
        let Misfit { set, name, size, expected } = first;
        let size = shown::count(*size, "byte");
        let name = legible::name(name.as_bytes());
        let what = format!("{name} has {size} instead of {expected}");
        let more = match more.len() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(Finding::lost("size", *set, format!("{what}{more}")))
    };
    let sizes = damage.misfits.chunk_by(|one, other| one.set == other.set).filter_map(of_set);
    let here = damage.here.iter().map(|id| {
        Finding::note("damaged", Some(*id), "its seal in the archive directory is damaged")
    });
    let there = damage
        .there
        .iter()
        .map(|id| Finding::note("damaged", Some(*id), "its seal in the store is damaged"));
    sizes.chain(here).chain(there).collect()
}

/// `volume 3 is missing`, `volumes 3, 5 are missing`, with a count where there are more.
fn volumes(first: &[u64], lost: u64) -> String {
    let names = first.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    match lost - first.len() as u64 {
        0 if lost == 1 => format!("volume {names} is missing"),
        0 => format!("volumes {names} are missing"),
        more => format!("volumes {names} and {more} more are missing"),
    }
}

/// What is unusual about a complete set.
fn oddities(set: &Set, now: SetTime) -> Vec<Finding> {
    let id = set.stored.id;
    let mut found = Vec::new();
    let named = set.known.as_ref().map_or(u64::MAX, |known| known.volumes);
    let surplus = set.stored.volumes.keys().filter(|&&number| number > named).count();
    if surplus > 0 {
        let what =
            format!("{} more than its manifest names", shown::count(surplus as u64, "volume"));
        found.push(Finding::note("surplus", Some(id), what));
    }
    if id.time.seconds() > now.seconds() + SKEW {
        found.push(Finding::note("future", Some(id), "is later than this machine's clock"));
    }
    found
}

/// Increments without a chain: what they build on is lost, or a later one has taken the place of
/// it in the chain.
fn orphans(inventory: &Inventory) -> Vec<Finding> {
    let chained = inventory.chains.iter().flatten().map(|set| (set.stored.id.time, None));
    // What is missing for the set of each time, by time: what a set builds on comes before it.
    let mut missing: BTreeMap<SetTime, Option<SetTime>> = chained.collect();
    let mut found = Vec::new();
    for id in inventory.orphans.iter().map(|set| set.stored.id) {
        let Some(base) = id.base else { continue };
        let lost = missing.get(&base).copied().unwrap_or(Some(base));
        missing.entry(id.time).or_insert(lost);
        found.push(match lost {
            Some(base) => {
                let base = shown::time(base);
                let what = format!("can't be restored, because the set of {base} is missing");
                Finding::lost("base", id, what)
            }
            None => {
                let why = "another increment has replaced it in the chain";
                Finding::note("replaced", Some(id), format!("can't be restored, because {why}"))
            }
        });
    }
    found
}

/// What the archive knows and the store has not, and the other way round.
fn of_archive(inventory: &Inventory, known: &Known) -> Vec<Finding> {
    let ids = |sets: &[Set]| sets.iter().map(|set| set.stored.id).collect::<Vec<_>>();
    let complete = inventory.chains.iter().chain([&inventory.orphans]);
    let complete: BTreeSet<SetId> = complete.flat_map(|sets| ids(sets)).collect();
    let incomplete: BTreeSet<SetId> = ids(&inventory.incomplete).into_iter().collect();
    let (mut found, mut removed) = (Vec::new(), 0);
    for chain in &known.chains {
        let gone = chain.iter().all(|id| !complete.contains(id) && !incomplete.contains(id));
        if gone && complete.last() > chain.last() {
            // Old backups are removed like this, and not always by this machine.
            removed += chain.len() as u64;
            continue;
        }
        found.extend(chain.iter().filter(|id| !complete.contains(id)).map(|&id| {
            match incomplete.contains(&id) {
                true => Finding::lost("manifest", id, "the manifest is missing"),
                false => {
                    Finding::lost("set", id, "missing, although the archive directory knows it")
                }
            }
        }));
    }
    let unknown = complete.iter().filter(|id| !known.sets.contains_key(id)).count() as u64;
    found.extend(counts(removed, unknown));
    found
}

/// Sets of which it is enough to know that there are some.
fn counts(removed: u64, unknown: u64) -> Vec<Finding> {
    let mut found = Vec::new();
    if removed > 0 {
        let sets = shown::count(removed, "set");
        let what = format!(
            "{sets} of older chains are missing, although the archive directory knows them"
        );
        found.push(Finding::note("removed", None, what));
    }
    if unknown > 0 {
        let what = format!("the archive directory does not know {}", shown::count(unknown, "set"));
        found.push(Finding::note("unknown", None, what));
    }
    found
}

/// What is on its way into the store, or what an interrupted run has left there.
fn unfinished(inventory: &Inventory) -> Option<Finding> {
    let files = shown::count(inventory.unfinished, "file");
    let what = format!("{files} of a running or interrupted backup");
    (inventory.unfinished > 0).then(|| Finding::note("unfinished", None, what))
}

/// Files that somebody has renamed.
fn renamed(inventory: &Inventory) -> Option<Finding> {
    let files = shown::count(inventory.renamed, "file");
    let what = format!("{files} under another name than the seal gives");
    (inventory.renamed > 0).then(|| Finding::note("renamed", None, what))
}

/// Files that belong to no set.
fn foreign(inventory: &Inventory) -> Option<Finding> {
    let names = &inventory.foreign;
    let first: Vec<_> =
        names.iter().take(NAMED).map(|name| legible::name(name.as_bytes())).collect();
    let first = first.join(", ");
    let what = match names.len().saturating_sub(NAMED) {
        0 if names.is_empty() => return None,
        0 => format!("belong to no set: {first}"),
        more => format!("belong to no set: {first} and {more} more"),
    };
    Some(Finding::note("foreign", None, what))
}
