//! After an interrupted run: what of the archive is true, and what the store has of it.

use std::num::NonZero;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use archive::{Chain, Collection, FileKind, SetTime};
use cli::lifeline;
use local::{Folder, Lock};
use stream::{Failure, OrFail, Receipt, Status};

use crate::agreement::agree;
use crate::finish::{finish, unfinished};
use crate::interrupted::{resumable, told_of};

/// Finishes the parts of sets that the store has, removes those of sets that it has not, and
/// tells whether an increment on the archive's newest set would fit into the store, and whether
/// an interrupted run can be gone on with.
pub(crate) fn reconcile(
    folder: &Folder,
    receipts: &[Receipt],
    jobs: NonZero<usize>,
) -> Result<&'static str, Failure> {
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
        let told = told_of(folder, part.set, receipts);
        match told.and_then(|()| finish(folder, part.set, receipts, jobs)) {
            Ok(()) => log::info!("{}: finished what an interrupted run had stored", part.set),
            // The next set is a full one then; nothing is lost but time.
            Err(failure) => log::info!("{}: can't be finished: {failure}", part.set),
        }
    }
    let known = folder.collection()?;
    let current = agree(folder, &known, &stored)?;
    let interrupted = resumable(folder, receipts, &stored, current)?;
    remove_parts(folder, interrupted.as_ref().map(|run| run.head.time))?;
    Ok(match (current, interrupted.is_some()) {
        (true, true) => "current resume",
        (false, true) => "behind resume",
        (true, false) => "current",
        (false, false) => "behind",
    })
}

/// Removes what interrupted runs have left, the one of that time aside, and lets their second pass:
/// a set that bears the time of one of theirs could meet files of the same names in the store.
fn remove_parts(folder: &Folder, kept: Option<SetTime>) -> Result<(), Failure> {
    let mut newest = None;
    for name in folder.names()? {
        let time = unfinished(&name);
        if (time.is_some() && time != kept) || name.starts_with(".commit-") {
            let path = folder.path(&name);
            lifeline::check();
            std::fs::remove_file(&path).or_fail(Status::Failed, path.display())?;
        }
        newest = newest.max(time);
    }
    while newest.is_some() && newest == SetTime::try_from(SystemTime::now()).ok() {
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
