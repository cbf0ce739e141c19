//! The entries of the state at a time.

use std::ffi::OsString;

use archive::{Absent, Collection, SetTime, parse_time};
use failure::{Failure, OrFail, Reason, Status, shown};
use local::{EntryRecord, Folder, Signatures};

use crate::Form;
use crate::line::Lines;
use crate::object::EntryObject;
use crate::paths::Paths;
use cli::Out;
use cli::shown;

/// A state of the archive.
pub(crate) struct State {
    /// The time of its newest set.
    pub(crate) time: SetTime,
    /// Its entries.
    pub(crate) entries: Signatures,
}

/// The state at a time as a user writes it; `option` is where.
pub(crate) fn at(
    folder: &Folder,
    collection: &Collection,
    option: &str,
    time: &str,
) -> Result<State, Failure> {
    let wanted = parse_time(time, crate::now()?).or_fail(Status::Usage, option)?;
    let (chain, count) = collection.chain_at(wanted).map_err(|absent| none(folder, absent))?;
    let sets = &chain.sets[..count];
    let time = sets.last().map_or(wanted, |set| set.id.time);
    Ok(State { time, entries: folder.signatures(sets)? })
}

/// There is no such state.
fn none(folder: &Folder, absent: Absent) -> Failure {
    let folder = folder.path("");
    let which = folder.components();
    let which = shown(which.as_path());
    match absent {
        Absent::NoBackup { .. } => {
            Failure::of(Status::Absent, which, absent).because(Reason::NoBackup)
        }
        Absent::Missing { .. } => Failure::of(Status::Integrity, which, absent),
    }
}

/// Lists one state.
pub(crate) fn list(
    folder: &Folder,
    time: &str,
    words: &[OsString],
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut paths = Paths::new(words)?;
    let mut lines = Lines::default();
    let State { time, mut entries } = at(folder, &folder.collection()?, "--time", time)?;
    while let Some(known) = entries.peek().filter(|known| !paths.are_before(&known.path)) {
        if paths.take(&known.path) {
            tell(known, form, &mut lines, out)?;
        }
        entries.advance()?;
    }
    paths.check(&format!("the backup of {}", shown::time(time)))
}

/// Tells of one entry.
pub(crate) fn tell(
    known: &EntryRecord,
    form: Form,
    lines: &mut Lines,
    out: &mut Out,
) -> Result<(), Failure> {
    match form {
        Form::Lines => out.line(&lines.entry(known)),
        Form::Json => out.json(&EntryObject::new(known)),
        Form::Null => out.path(&known.path),
    }
}
