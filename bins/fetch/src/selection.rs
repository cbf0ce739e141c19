//! Which files of a store a restore needs, and in which order.

use std::time::SystemTime;

use archive::{Absent, Collection, SetTime, StoredSet, TreePath, parse_time};
use local::Folder;
use store::Store;
use stream::{Failure, OrFail, Status, Wanted};

use crate::Fetch;

/// The files to send.
pub(crate) struct Selection {
    /// The state that they make up, if it is one.
    pub(crate) wanted: Option<Wanted>,
    /// Their names, in the order of the stream.
    pub(crate) names: Vec<String>,
}

impl Selection {
    pub(crate) fn make(arguments: &Fetch, store: &mut dyn Store) -> Result<Selection, Failure> {
        let url = &arguments.url;
        let names = store.list()?.into_iter().map(|stored| stored.name);
        let collection = Collection::of(names).or_fail(Status::Integrity, url)?;
        if arguments.all || arguments.metadata {
            let sets = collection.chains.iter().flat_map(|chain| &chain.sets);
            let names = sets.chain(&collection.orphans);
            let names = names.flat_map(|set| files(set, arguments.all)).collect();
            return Ok(Selection { wanted: None, names });
        }
        let path = arguments.path()?;
        let folder = arguments.archive.as_deref().map(Folder::open).transpose()?;
        let sets = state(arguments, &collection, folder.as_ref())?;
        let mut names = Vec::new();
        for set in sets {
            names.extend(set.seal.iter().chain(&set.manifest).cloned());
            names.extend(volumes(arguments, set, path.as_ref(), folder.as_ref())?);
        }
        let path = path.map(|path| path.as_bytes().to_vec());
        let wanted = Wanted { sets: sets.iter().map(|set| set.id.into()).collect(), path };
        Ok(Selection { wanted: Some(wanted), names })
    }
}

/// All files of a set, or those without the content.
fn files(set: &StoredSet, content: bool) -> Vec<String> {
    let mut names: Vec<_> = set.seal.iter().chain(&set.manifest).cloned().collect();
    if content {
        names.extend(set.volumes.values().cloned());
    }
    names.extend(set.signatures.iter().chain(set.stats.iter().filter(|_| content)).cloned());
    names
}

/// The sets that make up the wanted state.
fn state<'a>(
    arguments: &Fetch,
    collection: &'a Collection,
    folder: Option<&Folder>,
) -> Result<&'a [StoredSet], Failure> {
    let url = &arguments.url;
    let now = SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "clock")?;
    let time = parse_time(&arguments.time, now).or_fail(Status::Usage, "--time")?;
    let (chain, count) = collection.chain_at(time).map_err(|absent| {
        let status = match absent {
            Absent::NoBackup { .. } => Status::Absent,
            Absent::Missing { .. } => Status::Integrity,
        };
        Failure::new(status, format!("{url}: {absent}"))
    })?;
    let sets = &chain.sets[..count];
    if let Some(folder) = folder {
        check_against(folder, sets, time, url)?;
    }
    warn_of_incomplete(collection, sets, time, url);
    Ok(sets)
}

/// A set that was never finished is none; but neither is one whose manifest was lost.
fn warn_of_incomplete(collection: &Collection, sets: &[StoredSet], time: SetTime, url: &str) {
    let state = sets.last().map(|set| set.id.time);
    let later =
        collection.incomplete.iter().filter(|set| set.id.time <= time && Some(set.id.time) > state);
    for set in later {
        log::warn!("{url}: the {} has no manifest, so it is not restored", set.id);
    }
}

/// The archive knows which set is the newest; the store's host could have hidden it.
fn check_against(
    folder: &Folder,
    sets: &[StoredSet],
    time: SetTime,
    url: &str,
) -> Result<(), Failure> {
    let known = folder.collection()?;
    let newest = known.chain_at(time).ok().and_then(|(chain, count)| chain.sets.get(count - 1));
    let Some(lost) = newest.filter(|known| sets.last().is_none_or(|set| set.id < known.id)) else {
        return Ok(());
    };
    let why = format!("the {}, which the archive knows, is not there", lost.id);
    let hint = format!("--time {} has the newest that is", sets.last().map_or(time, |s| s.id.time));
    Err(Failure::new(Status::Integrity, format!("{url}: {why} ({hint})")))
}

/// The volumes of a set: those that hold the wanted path where the archive tells, else all.
fn volumes(
    arguments: &Fetch,
    set: &StoredSet,
    path: Option<&TreePath>,
    folder: Option<&Folder>,
) -> Result<Vec<String>, Failure> {
    let manifest = folder.map(|folder| manifest(folder, set)).transpose()?.flatten();
    let Some(manifest) = manifest else {
        return Ok(set.volumes.values().cloned().collect());
    };
    let path = path.cloned().unwrap_or_default();
    let name = |number: u64| {
        set.volumes.get(&number).cloned().ok_or_else(|| {
            let why = format!("volume {number} of the {} is not there", set.id);
            Failure::new(Status::Integrity, format!("{}: {why}", arguments.url))
        })
    };
    manifest.volumes_for(&path).map(|volume| name(volume.number)).collect()
}

/// The archive's own copy of a set's manifest.
fn manifest(folder: &Folder, set: &StoredSet) -> Result<Option<archive::Manifest>, Failure> {
    let known = folder.collection()?;
    let sets = known.chains.iter().flat_map(|chain| &chain.sets).chain(&known.orphans);
    match sets.into_iter().find(|known| known.id == set.id) {
        Some(known) => folder.manifest(known),
        None => Ok(None),
    }
}
