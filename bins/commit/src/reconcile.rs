//! After an interrupted run: what of the archive is true, and what the store has of it.

use std::collections::HashSet;
use std::num::NonZero;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use archive::{Collection, FileKind, SetId, SetTime};
use cli::lifeline;
use failure::{Failure, OrFail, Status};
use local::{Folder, Lock};
use stream::Receipt;

use crate::agreement::agree;
use crate::belonging::{Fit, Next};
use crate::finish::{finish, unfinished};
use crate::interrupted::{resumable, told_of};

/// Finishes the parts of sets that the store has, removes those of sets that it has not, and
/// tells whether an increment on the archive's newest set would fit into the store, and whether
/// an interrupted run can be gone on with.
///
/// # Errors
/// Also where the store does not hold the backup that the next set is of.
pub(crate) fn reconcile(
    folder: &Folder,
    receipts: &[Receipt],
    next: &Next,
    jobs: NonZero<usize>,
) -> Result<String, Failure> {
    let _lock = Lock::start(folder)?;
    let names = receipts.iter().map(|receipt| receipt.stored.clone());
    let stored = Collection::of(names);
    let complete: HashSet<SetId> = stored.complete().map(|set| set.id).collect();
    for name in folder.names()? {
        let Some(part) = Folder::parse_part(&name) else {
            continue;
        };
        if part.kind != FileKind::Manifest || !complete.contains(&part.set) {
            continue;
        }
        let told = told_of(folder, part.set, receipts);
        match told.and_then(|()| finish(folder, part.set, receipts, jobs)) {
            Ok(()) => log::info!("{}: finished the set of an interrupted run", part.set),
            // The next set is a full one then; nothing is lost but time.
            Err(failure) => log::info!("{}: can't be finished: {failure}", part.set),
        }
    }
    let known = folder.collection()?;
    let fit = next.fit(folder, receipts, (&known, &stored))?;
    // Of a store that holds none of the sets there is nothing more to say.
    let current = match fit {
        Fit::Known => agree(folder, &known, &stored)?,
        Fit::New => true,
        Fit::Unknown(_) | Fit::Over(_) => false,
    };
    let interrupted = resumable(folder, receipts, &stored, current)?;
    remove_parts(folder, interrupted.as_ref().map(|run| run.head.time))?;
    let mut words = match fit {
        Fit::New => "new".to_owned(),
        Fit::Unknown(_) => "unknown".to_owned(),
        Fit::Known if current => "current".to_owned(),
        Fit::Known | Fit::Over(_) => "behind".to_owned(),
    };
    if let Fit::Unknown(Some(identity)) | Fit::Over(Some(identity)) = fit {
        words.push_str(&format!(" identity={identity}"));
    }
    if interrupted.is_some() {
        words.push_str(" resume");
    }
    Ok(words)
}

/// Removes what interrupted runs have left, the one of that time aside, and lets their second pass:
/// a set that bears the time of one of theirs could meet files of the same names in the store.
fn remove_parts(folder: &Folder, kept: Option<SetTime>) -> Result<(), Failure> {
    let mut newest = None;
    for name in folder.names()? {
        let time = unfinished(&name);
        if (time.is_some() && time != kept) || name.starts_with(Folder::TEMPORARY) {
            let path = folder.path(&name);
            lifeline::check();
            std::fs::remove_file(&path).or_fail(Status::Failed, failure::shown(&path))?;
        }
        newest = newest.max(time);
    }
    while newest.is_some() && newest == SetTime::try_from(SystemTime::now()).ok() {
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
