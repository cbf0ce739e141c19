//! All states of one path.

use archive::{Chain, SetTime, TreePath};
use cli::legible;
use failure::{Failure, Reason, Status};
use local::{EntryInSet, EntryRecord, Folder};
use serde::Serialize;

use crate::Form;
use crate::differences::looks_same;
use crate::line::{Lines, named};
use crate::object::EntryObject;
use cli::Out;
use cli::shown;

/// What a path was from the time of a set on; none where it was not there.
struct Version {
    time: SetTime,
    known: Option<EntryRecord>,
}

#[derive(Serialize)]
struct VersionObject {
    time: String,
    entry: Option<EntryObject>,
}

/// Lists the versions, the oldest first.
pub(crate) fn list(
    folder: &Folder,
    path: &TreePath,
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut versions = Vec::new();
    for chain in &folder.collection()?.chains {
        of_chain(folder, chain, path, &mut versions)?;
    }
    versions.sort_by_key(|version| version.time);
    versions.dedup_by(|later, earlier| same(later, earlier));
    if versions.first().is_some_and(|first| first.known.is_none()) {
        versions.remove(0);
    }
    if versions.is_empty() {
        let why = "in no backup of the archive directory";
        let failure = Failure::of(Status::Absent, legible::path(path), why);
        return Err(failure.because(Reason::NoSuchPath));
    }
    let mut lines = Lines::default();
    versions.iter().try_for_each(|version| version.tell(form, &mut lines, out))
}

/// What each set of a chain makes of the path.
fn of_chain(
    folder: &Folder,
    chain: &Chain,
    path: &TreePath,
    versions: &mut Vec<Version>,
) -> Result<(), Failure> {
    for set in &chain.sets {
        let known = match folder.entry_in_set(set, path)? {
            EntryInSet::Present(known) => Some(*known),
            EntryInSet::Unmentioned if !set.id.is_full() => continue,
            _ => None,
        };
        versions.push(Version { time: set.id.time, known });
    }
    Ok(())
}

fn same(one: &Version, other: &Version) -> bool {
    match (&one.known, &other.known) {
        (Some(one), Some(other)) => looks_same(one, other),
        (None, None) => true,
        _ => false,
    }
}

impl Version {
    fn tell(&self, form: Form, lines: &mut Lines, out: &mut Out) -> Result<(), Failure> {
        if form == Form::Json {
            let entry = self.known.as_ref().map(EntryObject::new);
            return out.json(&VersionObject { time: self.time.to_string(), entry });
        }
        let what = match &self.known {
            Some(known) => format!("{} {}", lines.facts(known), named(known)),
            None => "not there".to_owned(),
        };
        out.line(&format!("{}  {what}", shown::time(self.time)))
    }
}
