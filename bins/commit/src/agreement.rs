//! Whether store and archive tell of the same newest chain, and what the store's host may have done
//! to it.

use archive::{Collection, StoredSet};
use local::Folder;
use stream::Failure;

/// Whether an increment on the archive's newest set fits into the store. Names what is in the way:
/// what the store has lost, since nothing built on that could ever be restored, and what it has
/// got from somebody else.
pub(crate) fn agree(
    folder: &Folder,
    known: &Collection,
    stored: &Collection,
) -> Result<bool, Failure> {
    let known = newest(known);
    let mut agreed = true;
    for set in known {
        let mut sets = stored.chains.iter().flat_map(|chain| &chain.sets).chain(&stored.orphans);
        let there = sets.find(|there| there.id == set.id);
        for lost in lost_files(folder, set, there)? {
            log::warn!("the store has lost {lost} (a full set is needed)");
            agreed = false;
        }
    }
    let end = known.last().map(|set| set.id.time);
    for set in newest(stored).iter().filter(|set| Some(set.id.time) > end) {
        log::warn!(
            "the store has the {}, which the archive does not know (a full set is needed)",
            set.id
        );
        agreed = false;
    }
    Ok(agreed)
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
