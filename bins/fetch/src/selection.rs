//! Which files of a store a restore needs, and in which order.

use std::collections::HashMap;
use std::io::Read;
use std::time::SystemTime;

use archive::{Collection, SetId, SetTime, StoredSet, parse_time};
use failure::{Failure, OrFail, Status};
use local::Folder;
use selection::Reach;
use store::Store;
use stream::{RestoreRequest, SetRef};
use survey::Survey;

use crate::absent::{none, not_there};
use crate::archive_directory::ArchiveDirectory;
use crate::wanted::WantedFile;
use crate::{Fetch, remains, strangers, wanted};

/// The files to send.
pub(crate) struct Selection {
    /// The state that they make up, if it is one.
    pub(crate) wanted: Option<RestoreRequest>,
    /// Their names, in the order of the stream.
    pub(crate) names: Vec<String>,
    /// Sets that are not there, and without which it goes on.
    pub(crate) lost: u64,
    /// Later sets that do not count.
    pub(crate) uncounted: u64,
    /// What the store has.
    pub(crate) survey: Survey,
}

impl Selection {
    pub(crate) fn make(arguments: &Fetch, store: &mut dyn Store) -> Result<Selection, Failure> {
        // A list on standard input is left to who fetches volumes.
        let request = match arguments.manifests {
            true => RestoreRequest::default(),
            false => arguments.part.request()?,
        };
        if arguments.keep_going && arguments.part.is_filtered() {
            let why = "with --keep-going, give one --path at most, and no patterns";
            return Err(Failure::new(Status::Usage, why));
        }
        let needed = arguments.needed.then(|| needed(&request)).transpose()?;
        let part = selection::Part::of(&request)?;
        let known = ArchiveDirectory::of(arguments)?;
        let mut survey = arguments.survey(store, known.as_ref())?;
        let judge = arguments.judge(known.as_ref(), (&mut survey, &mut *store), None)?;
        let mut gone = judge.sift(&mut survey);
        let Times { wanted, now } = times(arguments, needed.as_ref())?;
        let state = judge.state(&mut survey, store, (wanted, now), &mut gone)?;
        let shown = wanted.unwrap_or(now);
        let (sets, lost) = if arguments.keep_going {
            remains::state(arguments, &survey, (known.as_ref(), wanted), &state, &gone)?
        } else {
            let state = state.map_err(|absent| none(&arguments.url, absent, &gone))?;
            if let Some(known) = &known {
                check_against(&known.collection, &survey, (&state, wanted), &arguments.url)?;
            }
            (state, 0)
        };
        let forks = forks(arguments, (&mut survey, store), &sets)?;
        let newest = sets.last().map(|set| set.id);
        let later = |time: SetTime| wanted.is_none_or(|wanted| time <= wanted);
        let newest_time = newest.map(|id| id.time);
        gone.retain(|set| later(set.set.time) && Some(set.set.time) >= newest_time);
        strangers::warn(&arguments.url, &gone, &survey);
        warn_of_incomplete(&survey.collection, newest_time, wanted, &arguments.url);
        log::debug!("the state of {shown} has {} sets", sets.len());
        let mut chosen = arguments.volume.clone();
        if let Some(needed) = &needed {
            check_unchanged(&arguments.url, needed, &sets)?;
            chosen = wanted::of_request(needed);
        }
        let volumes = match arguments.signatures {
            true => Some(Vec::new()),
            false => wanted::volumes(&chosen),
        };
        let sets = wanted::sets(&arguments.url, &chosen, sets)?;
        let names = names(arguments, (&sets, &chosen), part.reach(), (known.as_ref(), &survey))?;
        let unfinished = survey.collection.incomplete.iter().map(|set| set.id);
        let unfinished = unfinished.chain(gone.iter().map(|uncounted| uncounted.set));
        let unfinished = unfinished.filter(|id| Some(*id) > newest).map(SetRef::from).collect();
        let sets = sets.iter().map(|set| set.id.into()).collect();
        let seal = newest.map(|set| survey.seal(store, set)).transpose()?.flatten();
        let labels = seal.map(|sealed| sealed.seal.labels.clone()).unwrap_or_default();
        let identity = judge.expected;
        let wanted = RestoreRequest { sets, unfinished, identity, labels, volumes, ..request };
        // Without the content it is no restore.
        let wanted = Some(wanted).filter(|_| !arguments.manifests);
        let uncounted = gone.len() as u64 + forks;
        Ok(Selection { wanted, names, lost, uncounted, survey })
    }
}

/// Warns of other states than this one that are as good, and tells how many there are: the backup was
/// extended by two copies of its archive directory.
fn forks(
    arguments: &Fetch,
    (survey, store): (&mut Survey, &mut dyn Store),
    sets: &[StoredSet],
) -> Result<u64, Failure> {
    let (Some(full), Some(last)) = (sets.first(), sets.last()) else { return Ok(0) };
    // A time tells which state is meant.
    if arguments.time != "now" || arguments.keep_going {
        return Ok(0);
    }
    let mut forks = survey.forks(store)?;
    forks.retain(|fork| fork.before.time >= full.id.time || fork.sets.1.time >= full.id.time);
    for fork in &forks {
        let hint = format!("this is the state of the {}; --time restores others", last.id);
        log::warn!("{}: {fork}; {hint}", arguments.url);
    }
    Ok(forks.len() as u64)
}

/// The names of all files of these sets that are wanted.
fn names(
    arguments: &Fetch,
    (sets, chosen): (&[StoredSet], &[WantedFile]),
    reach: &Reach,
    (known, survey): (Option<&ArchiveDirectory>, &Survey),
) -> Result<Vec<String>, Failure> {
    // Who goes on past damage can't rely on any one manifest.
    let known = KnownSets::of(known.filter(|_| !arguments.keep_going));
    let mut names = Vec::new();
    let signatures =
        arguments.signatures && is_worthwhile(arguments, sets, reach, (&known, survey))?;
    for set in sets {
        names.extend(set.seal.iter().chain(&set.manifest).cloned());
        if arguments.manifests {
            continue;
        }
        if arguments.signatures {
            names.extend(set.signatures.iter().filter(|_| signatures).cloned());
            continue;
        }
        if !chosen.is_empty() {
            names.extend(wanted::names(&arguments.url, chosen, set)?);
            continue;
        }
        // They tell what was in a volume that is lost.
        names.extend(set.signatures.iter().filter(|_| arguments.keep_going).cloned());
        names.extend(volumes(&arguments.url, set, reach, known.manifest(set)?)?);
    }
    Ok(names)
}

/// Whether the signature files of a state cost less than the volumes that they may save. For all of it, they
/// save the room of a second copy, too.
fn is_worthwhile(
    arguments: &Fetch,
    sets: &[StoredSet],
    reach: &Reach,
    (known, survey): (&KnownSets<'_>, &Survey),
) -> Result<bool, Failure> {
    let (mut saved, mut cost) = (0_u64, 0_u64);
    for set in sets {
        let signatures = set.signatures.as_ref().ok_or_else(|| unsigned(&arguments.url, set))?;
        cost = cost.saturating_add(survey.size(signatures));
        for name in volumes(&arguments.url, set, reach, known.manifest(set)?)? {
            saved = saved.saturating_add(survey.size(&name));
        }
    }
    Ok(!arguments.part.has_path() || cost < saved)
}

/// The sets that the archive directory has.
struct KnownSets<'a> {
    folder: Option<&'a Folder>,
    sets: HashMap<SetId, &'a StoredSet>,
}

impl KnownSets<'_> {
    fn of(known: Option<&ArchiveDirectory>) -> KnownSets<'_> {
        let sets = known.iter().flat_map(|known| known.collection.complete());
        let sets = sets.map(|set| (set.id, set)).collect();
        KnownSets { folder: known.map(ArchiveDirectory::folder), sets }
    }

    fn manifest(&self, set: &StoredSet) -> Result<Option<archive::Manifest>, Failure> {
        match (self.folder, self.sets.get(&set.id)) {
            (Some(folder), Some(there)) => folder.manifest(there),
            _ => Ok(None),
        }
    }
}

/// The times that matter.
struct Times {
    /// The time that is asked for; none for the newest state.
    wanted: Option<SetTime>,
    now: SetTime,
}

fn times(arguments: &Fetch, needed: Option<&RestoreRequest>) -> Result<Times, Failure> {
    let now = SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "clock")?;
    if let Some(last) = needed.and_then(|needed| needed.sets.last()) {
        return Ok(Times { wanted: Some(last.time), now });
    }
    let wanted = Some(arguments.time.as_str()).filter(|text| *text != "now");
    let wanted = wanted.map(|text| parse_time(text, now)).transpose();
    Ok(Times { wanted: wanted.or_fail(Status::Usage, "--time")?, now })
}

/// The largest request that is read, as in a stream.
const LARGEST: u64 = 64 << 20;

/// The request of moo-match, on standard input.
fn needed(request: &RestoreRequest) -> Result<RestoreRequest, Failure> {
    let which = "standard input";
    let mut json = Vec::new();
    let read = std::io::stdin().take(LARGEST).read_to_end(&mut json);
    read.or_fail(Status::Failed, which)?;
    let needed = RestoreRequest::of_json(&json, which)?;
    let same = (&needed.path, &needed.paths, &needed.patterns)
        == (&request.path, &request.paths, &request.patterns);
    if !same || needed.volumes.is_none() {
        let why = "is no request of moo-match for the same --path";
        return Err(Failure::of(Status::Usage, which, why));
    }
    Ok(needed)
}

/// Checks that the state has the sets of the request.
fn check_unchanged(url: &str, needed: &RestoreRequest, sets: &[StoredSet]) -> Result<(), Failure> {
    if needed.sets.iter().map(SetRef::id).eq(sets.iter().map(|set| set.id)) {
        return Ok(());
    }
    let why = "the sets of the state have changed meanwhile; run the same command again";
    Err(Failure::of(Status::Failed, url, why))
}

/// A set whose signature file is lost.
fn unsigned(url: &str, set: &StoredSet) -> Failure {
    let why = format!("the signature file of the {} is missing", set.id);
    Failure::of(Status::Integrity, url, why)
}

/// A set that was never finished is none; but neither is one whose manifest was lost.
fn warn_of_incomplete(
    collection: &Collection,
    state: Option<SetTime>,
    time: Option<SetTime>,
    url: &str,
) {
    let asked_for = |set: &&StoredSet| time.is_none_or(|time| set.id.time <= time);
    let incomplete = collection.incomplete.iter().filter(asked_for);
    for set in incomplete.filter(|set| Some(set.id.time) > state) {
        log::warn!("{url}: the {} has no manifest, so it is not restored", set.id);
    }
}

/// The archive knows which set is the newest; the store's host could have hidden it.
fn check_against(
    known: &Collection,
    survey: &Survey,
    (sets, time): (&[StoredSet], Option<SetTime>),
    url: &str,
) -> Result<(), Failure> {
    let newest = known.chain_at(time.unwrap_or(SetTime::LAST)).ok();
    let newest = newest.and_then(|(chain, count)| chain.sets.get(count - 1));
    let there = sets.last().map(|set| set.id);
    match newest.filter(|known| there < Some(known.id) && !survey.has(known.id)) {
        Some(lost) => Err(not_there(url, lost.id, there.map_or(lost.id.time, |id| id.time))),
        None => Ok(()),
    }
}

/// The volumes of a set: those that may hold what is wanted where the archive's manifest tells, else
/// all.
fn volumes(
    url: &str,
    set: &StoredSet,
    reach: &Reach,
    manifest: Option<archive::Manifest>,
) -> Result<Vec<String>, Failure> {
    let Some(manifest) = manifest else {
        return Ok(set.volumes.values().cloned().collect());
    };
    let name = |number: u64| {
        set.volumes.get(&number).cloned().ok_or_else(|| {
            let why = format!("volume {number} of the {} is not there", set.id);
            Failure::of(Status::Integrity, url, why)
        })
    };
    let held = manifest.volumes.iter().filter(|volume| reach.may_hold(volume));
    held.map(|volume| name(volume.number)).collect()
}
