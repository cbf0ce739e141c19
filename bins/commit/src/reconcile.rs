//! After an interrupted run: what of the archive is true, and what the store has of it.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use archive::{Chain, Collection, FileKind, SetTime, StoredSet};
use local::{Folder, Lock};
use stream::{Failure, OrFail, Receipt, Status};

use crate::finish::finish;

/// Finishes the parts of sets that the store has, removes those of sets that it has not, and
/// tells whether an increment on the archive's newest set would fit into the store.
pub(crate) fn reconcile(folder: &Folder, receipts: &[Receipt]) -> Result<&'static str, Failure> {
    let _lock = Lock::start(folder)?;
    let names = receipts.iter().map(|receipt| receipt.stored.clone());
    let stored = Collection::of(names).or_fail(Status::Integrity, "standard input")?;
    let newest_stored = stored.newest_chain().map(Chain::end);
    for name in folder.names()? {
        let Some(part) = Folder::parse_part(&name) else {
            continue;
        };
        if part.kind != FileKind::Manifest || newest_stored != Some(part.set.time) {
            continue;
        }
        match finish(folder, part.set, receipts) {
            Ok(()) => log::info!("{}: finished what an interrupted run had stored", part.set),
            // The next set is a full one then; nothing is lost but time.
            Err(failure) => log::info!("{}: can't be finished: {failure}", part.set),
        }
    }
    remove_parts(folder)?;
    let known = folder.collection()?;
    let fits = known.newest_chain().map(Chain::end) == newest_stored
        && is_whole(folder, known.newest_chain(), stored.newest_chain())?;
    Ok(if fits { "current" } else { "behind" })
}

/// Whether the store still has all files of the chain that the archive knows. An increment on a
/// chain that has lost one could never be restored.
fn is_whole(
    folder: &Folder,
    known: Option<&Chain>,
    stored: Option<&Chain>,
) -> Result<bool, Failure> {
    let sets = |chain: Option<&Chain>| chain.map(|chain| chain.sets.clone()).unwrap_or_default();
    let stored = sets(stored);
    let mut whole = true;
    for set in sets(known) {
        let there = stored.iter().find(|there| there.id == set.id);
        for lost in lost_files(folder, &set, there)? {
            log::warn!("the store has lost {lost} (a full set is needed)");
            whole = false;
        }
    }
    Ok(whole)
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

/// Removes what interrupted runs have left, and lets their second pass: a set that bears the time
/// of one of theirs could meet files of the same names in the store.
fn remove_parts(folder: &Folder) -> Result<(), Failure> {
    let mut newest = None;
    for name in folder.names()? {
        let part = Folder::parse_part(&name);
        if part.is_some() || name.starts_with(".commit-") {
            let path = folder.path(&name);
            std::fs::remove_file(&path).or_fail(Status::Failed, path.display())?;
        }
        newest = newest.max(part.map(|part| part.set.time));
    }
    while newest.is_some() && newest == SetTime::try_from(SystemTime::now()).ok() {
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
