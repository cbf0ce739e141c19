//! The parity files, which no seal lists: they carry their own checksums.

use archive::{Collection, StoredSet};
use failure::Failure;
use store::Store;
use survey::{ParityFile, Survey};

use crate::findings::Findings;

/// Reads the parity files that are in a share, and names those that are damaged.
pub(crate) fn check(
    (store, survey): (&mut dyn Store, &Survey),
    collection: &Collection,
    takes: impl Fn(&str) -> bool,
    findings: &mut Findings,
) -> Result<(), Failure> {
    for set in collection.complete() {
        let mut parity = set.parity.clone();
        parity.retain(|_, name| takes(name));
        let some = StoredSet { parity, ..set.clone() };
        for file in ParityFile::of(&some, survey, store)?.iter().filter(|file| !file.intact) {
            if file.is_replaced(&ParityFile::of(set, survey, store)?) {
                log::info!("{}: is damaged, and another one has its place", file.name);
                continue;
            }
            findings.wrong(&file.name, "is damaged (moo repair makes parity again)");
        }
    }
    Ok(())
}
