//! After an interrupted run: what of the archive is true, and what the store has of it.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use archive::{Collection, FileKind, SetTime};
use local::{Folder, Lock};
use stream::{Failure, OrFail, Receipt, Status};

use crate::finish::finish;

/// Finishes the parts of sets that the store has, removes those of sets that it has not, and
/// tells whether an increment on the archive's newest set would fit into the store.
pub(crate) fn reconcile(folder: &Folder, receipts: &[Receipt]) -> Result<&'static str, Failure> {
    let _lock = Lock::start(folder)?;
    let names = receipts.iter().map(|receipt| receipt.stored.clone());
    let stored = Collection::of(names).or_fail(Status::Integrity, "standard input")?;
    let newest_stored = stored.newest_chain().map(archive::Chain::end);
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
    let newest = folder.collection()?.newest_chain().map(archive::Chain::end);
    Ok(if newest == newest_stored { "current" } else { "behind" })
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
