//! Which files of a store a restore needs, and in which order.

use std::time::SystemTime;

use archive::{Absent, Collection, SetId, SetTime, StoredSet, TreePath, parse_time};
use local::Folder;
use store::Store;
use stream::{Failure, OrFail, Status, Wanted, WantedSet};

use crate::{Fetch, remains};

/// The files to send.
pub(crate) struct Selection {
    /// The state that they make up, if it is one.
    pub(crate) wanted: Option<Wanted>,
    /// Their names, in the order of the stream.
    pub(crate) names: Vec<String>,
    /// Sets that are not there, and without which it goes on.
    pub(crate) lost: u64,
}

impl Selection {
    pub(crate) fn make(arguments: &Fetch, store: &mut dyn Store) -> Result<Selection, Failure> {
        let url = &arguments.url;
        let names = store.list()?.into_iter().map(|stored| stored.name);
        let collection = Collection::of(names).or_fail(Status::Integrity, url)?;
        let path = arguments.path()?;
        let folder = arguments.archive.as_deref().map(Folder::open).transpose()?;
        let (sets, lost) = if arguments.keep_going {
            remains::state(arguments, &collection, folder.as_ref())?
        } else {
            (state(arguments, &collection, folder.as_ref())?.iter().collect(), 0)
        };
        let mut names = Vec::new();
        for &set in &sets {
            names.extend(set.seal.iter().chain(&set.manifest).cloned());
            if arguments.manifests {
                continue;
            }
            // They tell what was in a volume that is lost.
            names.extend(set.signatures.iter().filter(|_| arguments.keep_going).cloned());
            names.extend(volumes(arguments, set, path.as_ref(), folder.as_ref())?);
        }
        let path = path.map(|path| path.as_bytes().to_vec());
        let newest = sets.last().map(|set| set.id);
        let unfinished = collection.incomplete.iter().map(|set| set.id);
        let unfinished = unfinished.filter(|id| Some(*id) > newest).map(WantedSet::from).collect();
        let sets = sets.iter().map(|set| set.id.into()).collect();
        let wanted = Wanted { sets, unfinished, path };
        // Without the content it is no restore.
        let wanted = Some(wanted).filter(|_| !arguments.manifests);
        Ok(Selection { wanted, names, lost })
    }
}

/// The time that is asked for.
pub(crate) fn time(arguments: &Fetch) -> Result<SetTime, Failure> {
    let now = SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "clock")?;
    parse_time(&arguments.time, now).or_fail(Status::Usage, "--time")
}

/// There is no such state.
pub(crate) fn none(url: &str, absent: Absent) -> Failure {
    let status = match absent {
        Absent::NoBackup { .. } => Status::Absent,
        Absent::Missing { .. } => Status::Integrity,
    };
    Failure::new(status, format!("{url}: {absent}"))
}

/// The sets that make up the wanted state.
fn state<'a>(
    arguments: &Fetch,
    collection: &'a Collection,
    folder: Option<&Folder>,
) -> Result<&'a [StoredSet], Failure> {
    let url = &arguments.url;
    let time = time(arguments)?;
    let (chain, count) = collection.chain_at(time).map_err(|absent| none(url, absent))?;
    let sets = &chain.sets[..count];
    if let Some(folder) = folder {
        check_against(folder, sets, time, url)?;
    }
    warn_of_incomplete(collection, sets.last().map(|set| set.id.time), time, url);
    Ok(sets)
}

/// A set that was never finished is none; but neither is one whose manifest was lost.
pub(crate) fn warn_of_incomplete(
    collection: &Collection,
    state: Option<SetTime>,
    time: SetTime,
    url: &str,
) {
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
    match newest.filter(|known| sets.last().is_none_or(|set| set.id < known.id)) {
        Some(lost) => Err(not_there(url, lost.id, sets.last().map_or(time, |set| set.id.time))),
        None => Ok(()),
    }
}

/// The newest set is not there.
pub(crate) fn not_there(url: &str, lost: SetId, newest: SetTime) -> Failure {
    let why = format!("the {lost}, which the archive knows, is not there");
    let hint = format!("--time {newest} has the newest that is");
    Failure::new(Status::Integrity, format!("{url}: {why} ({hint})"))
}

/// The volumes of a set: those that hold the wanted path where the archive tells, else all.
fn volumes(
    arguments: &Fetch,
    set: &StoredSet,
    path: Option<&TreePath>,
    folder: Option<&Folder>,
) -> Result<Vec<String>, Failure> {
    // Who goes on past damage can't rely on any one manifest.
    let folder = folder.filter(|_| !arguments.keep_going);
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
