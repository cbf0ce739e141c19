//! Whether store and archive tell of the same newest chain, and what the store's host may have done
//! to it.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Collection, SetId, StoredSet};
use failure::Failure;
use local::Folder;

/// Whether an increment on the archive's newest set fits into the store. Names what is in the way:
/// what the store has lost, since nothing built on that could ever be restored, and what it has
/// got from somebody else.
pub(crate) fn agree(
    folder: &Folder,
    known: &Collection,
    stored: &Collection,
) -> Result<bool, Failure> {
    let all: BTreeSet<SetId> = known.complete().map(|set| set.id).collect();
    let known = newest(known);
    let mut agreed = true;
    let sets: BTreeMap<SetId, &StoredSet> = stored.complete().map(|set| (set.id, set)).collect();
    for set in known {
        let there = sets.get(&set.id).copied();
        for lost in lost_files(folder, set, there)? {
            log::warn!("the store has lost {lost}, so this backup is a full one");
            agreed = false;
        }
    }
    let end = known.last().map(|set| set.id.time);
    let unknown = sets.keys().filter(|id| Some(id.time) > end && !all.contains(id));
    let unknown: Vec<_> = unknown.collect();
    // An increment beside another one on the same set would take its place.
    let rival = unknown.iter().find(|id| end.is_some() && id.base == end);
    let Some(shown) = rival.or(unknown.last()) else { return Ok(agreed) };
    let more = match unknown.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let needed = if rival.is_some() { ", so this backup is a full one" } else { "" };
    log::warn!(
        "the store has the {shown}{more}, which the archive directory does not know{needed}"
    );
    Ok(agreed && rival.is_none())
}

fn newest(collection: &Collection) -> &[StoredSet] {
    collection.newest_chain().map(|chain| chain.sets.as_slice()).unwrap_or_default()
}

/// What a set of the store lacks, in words.
fn lost_files(
    folder: &Folder,
    set: &StoredSet,
    there: Option<&StoredSet>,
) -> Result<Vec<String>, Failure> {
    let Some(there) = there else { return Ok(vec![format!("the {}", set.id)]) };
    let mut lost = Vec::new();
    for volume in folder.manifest(set)?.map(|manifest| manifest.volumes).unwrap_or_default() {
        if !there.volumes.contains_key(&volume.number) {
            lost.push(format!("volume {} of the {}", volume.number, set.id));
        }
    }
    if set.seal.is_some() && there.seal.is_none() {
        lost.push(format!("the seal of the {}", set.id));
    }
    if set.signatures.is_some() && there.signatures.is_none() {
        lost.push(format!("the signatures of the {}", set.id));
    }
    Ok(lost)
}
