//! What interrupted runs have left in the store. Each would keep the space of all its volumes for
//! ever, and the newest duplicity fails on a full set that has files and no manifest.

use std::collections::{BTreeSet, HashSet};

use archive::{Collection, FileKind, FileName, SetId, SetTime, set_time};
use failure::Failure;
use store::{Store, Stored, final_name};
use survey::Survey;

use crate::arrival::turn;

/// A file of the store.
pub(crate) struct There {
    /// The name that its seal gives it, or its own.
    pub(crate) name: String,
    /// Its name in the store.
    pub(crate) stored: String,
}

impl There {
    pub(crate) fn new(name: String) -> There {
        There { stored: name.clone(), name }
    }

    /// The final name of a temporary file that no seal lists.
    fn leftover_of(&self) -> Option<&str> {
        final_name(&self.stored).filter(|_| self.name == self.stored)
    }
}

/// Gives files their names that a seal lists and that have the temporary names of an upload: it was
/// interrupted after everything had arrived, or somebody has renamed them. Returns all files.
/// The set of the time `base` was completed, because a set that builds on it is to come.
///
/// # Errors
/// The store is out of reach, or refuses.
pub(crate) fn finish_names(
    store: &mut dyn Store,
    files: &[Stored],
    base: Option<SetTime>,
) -> Result<Vec<There>, Failure> {
    let mut names: BTreeSet<String> = files.iter().map(|file| file.name.clone()).collect();
    if !names.iter().any(|name| final_name(name).is_some()) {
        return Ok(names.into_iter().map(There::new).collect());
    }
    let survey = Survey::before(base, store, files, (None, &[]))?;
    let mut unnamed = survey.renamed();
    unnamed.retain(|(name, there)| final_name(there) == Some(name) && !names.contains(*name));
    unnamed.sort_by_key(|(name, _)| turn(name));
    for (name, there) in &unnamed {
        cli::lifeline::check();
        store.rename(there, name)?;
        names.insert((*name).to_owned());
        log::info!("{name}: was uploaded completely, renamed from {there}");
    }
    if !unnamed.is_empty() {
        store.sync()?;
    }
    let there = |name: String| {
        let stored = if names.contains(&name) { &name } else { survey.stored_name(&name) };
        There { stored: stored.to_owned(), name }
    };
    Ok(survey.listing().into_iter().map(|file| there(file.name)).collect())
}

/// Removes temporary files of sets up to `set`, or, for a copy, of all: the archive's lock lets
/// one run at a time into a store, so theirs have ended. A store may not let us, and that is fine.
///
/// What bears the names of the set that is to come goes too: some stores have no temporary names,
/// and of what an interrupted run has brought there nobody has taken note.
pub(crate) fn clear(store: &mut dyn Store, files: &[There], set: Option<SetId>) {
    let Some(set) = set else {
        remove(store, temporary(files, |_| true));
        return;
    };
    let fixed = fixed(files);
    // A set that was being named has its manifest still under the temporary name. Once that is
    // gone nobody can finish the set, and its other files can go too.
    for file in temporary(files, |time| time <= set.time) {
        let stored = file.leftover_of().and_then(FileName::parse);
        let manifest = stored.filter(|stored| stored.kind == FileKind::Manifest);
        if let Some(FileName { set: unfinished, .. }) = manifest.filter(|_| gone(store, file))
            && !fixed.contains(&unfinished)
        {
            remove(store, files.iter().filter(|file| is_of(&file.name, unfinished)));
        }
    }
    remove(store, files.iter().filter(|file| is_of(&file.name, set)));
    remove(store, temporary(files, |time| time <= set.time));
}

/// Sets that are no leftovers: those with a manifest, and those with a seal, which has its name only
/// when all has arrived.
fn fixed(files: &[There]) -> HashSet<SetId> {
    let collection = Collection::of(files.iter().map(|file| file.name.clone()));
    let sets = collection.sets().filter(|set| set.manifest.is_some() || set.seal.is_some());
    sets.map(|set| set.id).collect()
}

/// Whether a name is that of a file of a set.
fn is_of(name: &str, set: SetId) -> bool {
    match FileName::parse(name) {
        Some(name) => name.set == set,
        None => set_time(name) == Some(set.time),
    }
}

/// The temporary files whose set's time fits.
fn temporary(files: &[There], fits: impl Fn(SetTime) -> bool) -> impl Iterator<Item = &There> {
    let is_of = move |file: &&There| file.leftover_of().and_then(set_time).is_some_and(&fits);
    files.iter().filter(is_of)
}

fn remove<'a>(store: &mut dyn Store, files: impl Iterator<Item = &'a There>) {
    for file in files {
        gone(store, file);
    }
}

/// Removes a file, and tells whether it is gone by that.
fn gone(store: &mut dyn Store, file: &There) -> bool {
    cli::lifeline::check();
    let removed = store.remove(&file.stored).is_ok();
    if removed {
        log::info!("{}: leftover of an interrupted run, deleted", file.stored);
    }
    removed
}
