//! Whether a run that was interrupted can be gone on with.

use std::collections::HashMap;

use archive::{Collection, FileKind, FileName, SetId, parse_seal};
use failure::{Failure, Status};
use local::{ARRIVED, Folder, Interrupted, PACKED, PackedVolume, read_journal};
use stream::Receipt;

/// The interrupted run whose volumes the store has, from the first one on, if a set of its time
/// still fits into the store; its journal tells of no others from then on. `current` is whether
/// archive and store have the same newest set.
pub(crate) fn resumable(
    folder: &Folder,
    receipts: &[Receipt],
    stored: &Collection,
    current: bool,
) -> Result<Option<Interrupted>, Failure> {
    let Some(mut run) = Interrupted::find(folder)? else { return Ok(None) };
    let time = run.head.time;
    // An increment fits where nothing else builds on its base, which `current` tells.
    let fits = current || run.head.base.is_none();
    let fits = fits && stored.complete().all(|set| set.id.time != time);
    // Sets that were made since have a later state than this one would have.
    let now = local::now()?;
    let overtaken = stored.complete().any(|set| set.id.time > time && set.id.time <= now);
    let fits = fits && (!overtaken || run.head.base.is_some());
    if !fits || receipts.iter().any(|receipt| is_named(&run, &receipt.stored)) {
        return Ok(None);
    }
    let known = run.arrived.len();
    confirm(&mut run, receipts);
    if run.arrived.is_empty() {
        return Ok(None);
    }
    run.keep(run.arrived.len());
    run.save(folder)?;
    log::info!(
        "{}: {} of {known} volumes that an interrupted run has sent are in the store",
        run.head.id(),
        run.arrived.len()
    );
    Ok(Some(run))
}

/// Checks that the parts in the archive are of the run that has stored a set: where runs have gone
/// on with one another, an earlier one could have come to its end after all.
pub(crate) fn told_of(folder: &Folder, set: SetId, stored: &[Receipt]) -> Result<(), Failure> {
    let packed = read_journal::<PackedVolume>(folder, set.time, PACKED)?;
    if packed.is_none_or(|(head, _)| head.resume.is_none()) {
        return Ok(());
    }
    let arrived = read_journal::<Receipt>(folder, set.time, ARRIVED)?;
    let arrived = arrived.map(|(_, arrived)| arrived).unwrap_or_default();
    let hashes = arrived.iter().map(|file| (file.stored.as_str(), &file.sha256));
    let hashes: HashMap<_, _> = hashes.filter(|(_, sha256)| sha256.is_some()).collect();
    let volume = |name: &str| match FileName::parse(name) {
        Some(name) => name.set == set && matches!(name.kind, FileKind::Volume(_)),
        None => false,
    };
    let foreign = stored
        .iter()
        .filter(|file| volume(&file.stored))
        .find(|file| hashes.get(file.stored.as_str()).is_none_or(|sha256| **sha256 != file.sha256));
    match foreign {
        Some(file) => {
            let why = "was stored by another run than that of the archive directory";
            Err(Failure::of(Status::Integrity, &file.stored, why))
        }
        None => Ok(()),
    }
}

/// Whether a file of the set has its name already that is going to be made again, and differently.
fn is_named(run: &Interrupted, name: &str) -> bool {
    match FileName::parse(name) {
        Some(FileName { set, kind, .. }) => {
            set == run.head.id() && !matches!(kind, FileKind::Volume(_))
        }
        None => parse_seal(name) == Some(run.head.time),
    }
}

/// Keeps the volumes that are in the store, under the temporary name or already under their own.
fn confirm(run: &mut Interrupted, receipts: &[Receipt]) {
    let sizes: HashMap<&str, u64> =
        receipts.iter().map(|receipt| (receipt.stored.as_str(), receipt.size)).collect();
    let there = |name: &str, size| sizes.get(name) == Some(&size);
    let arrived = std::mem::take(&mut run.arrived).into_iter();
    run.arrived = arrived
        .map_while(|volume| {
            let waits = volume.temporary.as_ref().is_some_and(|name| there(name, volume.size));
            let named = there(&volume.stored, volume.size);
            let temporary = volume.temporary.clone().filter(|_| waits);
            (waits || named).then_some(Receipt { temporary, ..volume })
        })
        .collect();
}
