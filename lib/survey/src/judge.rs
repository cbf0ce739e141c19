//! Which sets count, and which of them is the newest.

use std::collections::{BTreeSet, HashSet};

use archive::{
    Absent, Collection, FileKind, FileName, Identity, SetId, SetTime, StoredSet, Wrapping,
};
use failure::Failure;
use local::Folder;
use store::Store;

use crate::Survey;

/// How far the clocks of two machines may be apart, in seconds.
const SKEW: i64 = 3600;

/// What a set needs to count.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// The sets that the archive directory knows, complete or not, or `None` without an archive
    /// directory, or with an empty one.
    known: BTreeSet<SetId>,
    /// The identity that a set's seal must not contradict, or `None` if it is unknown.
    pub expected: Option<Identity>,
    /// Whether sets must be encrypted, unless the seal key vouches for them.
    pub encrypted: bool,
    /// Whether unencrypted sets always count.
    pub plain: bool,
}

/// A set that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncounted {
    /// Which it is.
    pub set: SetId,
    /// Why: the words after `the full …`.
    pub why: &'static str,
}

const UNSEALED: &str = "has no seal of the seal key, and does not count";
const FOREIGN: &str = "is a set of another backup, and does not count";
const UNKNOWN: &str = "is unknown to the archive directory, and does not count";
const CUT: &str = "has a seal of the seal key, but not all its files: its upload was interrupted, or \
     somebody hid files; it does not count";
const PLAIN: &str = "is not encrypted, and does not count (--allow-unprotected lets it)";

impl Judge {
    /// A judge that trusts an archive directory.
    ///
    /// # Errors
    /// The archive directory cannot be read.
    pub fn new(archive: Option<&Folder>) -> Result<Judge, Failure> {
        let Some(folder) = archive else { return Ok(Judge::default()) };
        let mut known: BTreeSet<SetId> =
            folder.collection()?.complete().map(|set| set.id).collect();
        // A run that was cut short may have stored its set, and not yet said so here.
        let names = folder.names()?;
        let parts = names.iter().filter_map(|name| Folder::parse_part(name));
        known.extend(parts.filter(|part| part.kind == FileKind::Manifest).map(|part| part.set));
        Ok(Judge { known, ..Judge::default() })
    }

    /// Takes the sets that do not count out of a survey; the seals are not read yet. A set that
    /// another one needs stays, so that its fault is an error.
    pub fn sift(&self, survey: &mut Survey) -> Vec<Uncounted> {
        self.sift_since(survey, self.known.first().map(|set| set.time))
    }

    fn sift_since(&self, survey: &mut Survey, oldest: Option<SetTime>) -> Vec<Uncounted> {
        let mut gone = self.first_look(survey, oldest);
        let needed = needed(&survey.collection, &gone);
        gone.retain(|uncounted| !needed.contains(&uncounted.set));
        let mut gone = self.take(survey, gone);
        gone.extend(survey.cut().map(|set| Uncounted { set, why: CUT }));
        gone
    }

    /// The sets that do not count because of their names alone, among them those that the archive
    /// directory should know, since that time.
    fn first_look(&self, survey: &Survey, oldest: Option<SetTime>) -> Vec<Uncounted> {
        let demanded = survey.seals.are_demanded();
        let mut gone = Vec::new();
        let mut left = Vec::new();
        for set in survey.collection.complete() {
            let known = self.known.contains(&set.id);
            let later = oldest.is_some_and(|oldest| set.id.time >= oldest);
            if demanded && set.seal.is_none() && !known {
                gone.push(Uncounted { set: set.id, why: UNSEALED });
            } else if !demanded && later && !known {
                gone.push(Uncounted { set: set.id, why: UNKNOWN });
            } else {
                left.push(set);
            }
        }
        let encrypted = self.encrypted || left.iter().any(|set| is_encrypted(set));
        if encrypted && !self.plain && !demanded {
            let plain = left.iter().filter(|set| is_plain(set));
            gone.extend(plain.map(|set| Uncounted { set: set.id, why: PLAIN }));
        }
        gone
    }

    /// The chain of the newest state not after `time`, and the number of its sets; without a time,
    /// of the state that was made last. Sets with invalid seals are left out.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn state(
        &self,
        survey: &mut Survey,
        store: &mut dyn Store,
        (time, now): (Option<SetTime>, SetTime),
        gone: &mut Vec<Uncounted>,
    ) -> Result<Result<Vec<StoredSet>, Absent>, Failure> {
        let mut looks = 1;
        loop {
            let wanted = time.unwrap_or(SetTime::LAST);
            let found = survey.collection.chain_at(wanted);
            let sets = found.map(|(chain, count)| chain.sets[..count].to_vec());
            let last = match &sets {
                Ok(sets) => sets.last().map(|set| set.id),
                Err(Absent::Missing { orphan, .. }) => Some(*orphan),
                Err(Absent::NoBackup { .. }) => None,
            };
            let Some(last) = last else { return Ok(sets) };
            let rivals = match &sets {
                Err(Absent::Missing { .. }) => self.false_rivals(survey, store)?,
                _ => Vec::new(),
            };
            if !rivals.is_empty() {
                gone.extend(self.take(survey, rivals));
                continue;
            }
            if let Some(why) = self.fault(survey, store, last)? {
                // Who adds many is not read to one by one.
                let more = self.faults_before(survey, store, last, looks)?;
                looks *= 2;
                let more = more.into_iter().chain([Uncounted { set: last, why }]);
                gone.extend(self.take(survey, more.collect()));
                continue;
            }
            if time.is_none() && last.time.seconds() > now.seconds() + SKEW {
                if let Some(after) = self.made_after(survey, store, last)? {
                    log::info!("the {after} was made after the {last}, which is dated later");
                    self.take(survey, vec![Uncounted { set: last, why: "" }]);
                    continue;
                }
                log::warn!("the {last} is dated later than this machine's clock");
            }
            return Ok(sets);
        }
    }

    /// Why a set does not count, or `None` if it counts.
    fn fault(
        &self,
        survey: &mut Survey,
        store: &mut dyn Store,
        set: SetId,
    ) -> Result<Option<&'static str>, Failure> {
        let demanded = survey.seals.are_demanded();
        if (!demanded && self.expected.is_none()) || self.known.contains(&set) {
            return Ok(None);
        }
        let Some(sealed) = survey.seal(store, set)? else {
            return Ok(demanded.then_some(UNSEALED));
        };
        let foreign =
            self.expected.zip(sealed.seal.identity).is_some_and(|(ours, its)| ours != its);
        Ok(foreign.then_some(FOREIGN))
    }

    /// Sets that do not count and have replaced an orphan in a chain.
    fn false_rivals(
        &self,
        survey: &mut Survey,
        store: &mut dyn Store,
    ) -> Result<Vec<Uncounted>, Failure> {
        let bases: HashSet<_> = survey.collection.orphans.iter().map(|set| set.id.base).collect();
        let chained = survey.collection.chains.iter().flat_map(|chain| &chain.sets);
        let rivals =
            chained.map(|set| set.id).filter(|id| !id.is_full() && bases.contains(&id.base));
        let mut found = Vec::new();
        for set in rivals.collect::<Vec<_>>() {
            if let Some(why) = self.fault(survey, store, set)? {
                found.push(Uncounted { set, why });
            }
        }
        Ok(found)
    }

    /// The next sets, by time, that do not count.
    fn faults_before(
        &self,
        survey: &mut Survey,
        store: &mut dyn Store,
        last: SetId,
        count: usize,
    ) -> Result<Vec<Uncounted>, Failure> {
        let mut ids: Vec<_> =
            survey.collection.complete().map(|set| set.id).filter(|id| *id < last).collect();
        ids.sort_unstable();
        let bases: HashSet<SetTime> = ids.iter().filter_map(|id| id.base).collect();
        let mut faults = Vec::new();
        let newest = ids.into_iter().rev().take(count);
        for set in newest.filter(|id| !bases.contains(&id.time)) {
            if let Some(why) = self.fault(survey, store, set)? {
                faults.push(Uncounted { set, why });
            }
        }
        Ok(faults)
    }

    /// A set with an earlier date that was made after that one, by its seal.
    fn made_after(
        &self,
        survey: &mut Survey,
        store: &mut dyn Store,
        set: SetId,
    ) -> Result<Option<SetId>, Failure> {
        let Some(hash) = survey.seal(store, set)?.map(|sealed| sealed.sha256.clone()) else {
            return Ok(None);
        };
        let mut ids: Vec<_> = survey.collection.complete().map(|set| set.id).collect();
        ids.sort_unstable();
        for id in ids.into_iter().rev().filter(|id| id.time < set.time) {
            let previous = survey.seal(store, id)?.and_then(|sealed| sealed.seal.previous.as_ref());
            if previous == Some(&hash) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Removes all sets that do not count, for a copy of the others. Sets that the archive
    /// directory does not know count, because it may be about to learn them.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn of_a_copy(
        &self,
        survey: &mut Survey,
        store: &mut dyn Store,
    ) -> Result<Vec<Uncounted>, Failure> {
        let mut gone = self.sift_since(survey, None);
        let ids: Vec<_> = survey.collection.complete().map(|set| set.id).collect();
        let mut faults = Vec::new();
        for set in ids {
            if let Some(why) = self.fault(survey, store, set)? {
                faults.push(Uncounted { set, why });
            }
        }
        let needed = needed(&survey.collection, &faults);
        faults.retain(|uncounted| !needed.contains(&uncounted.set));
        gone.extend(self.take(survey, faults));
        Ok(gone)
    }

    fn take(&self, survey: &mut Survey, gone: Vec<Uncounted>) -> Vec<Uncounted> {
        if !gone.is_empty() {
            survey.remove(&gone.iter().map(|uncounted| uncounted.set).collect());
        }
        gone
    }
}

/// The sets of `gone` that sets which count build on.
fn needed(collection: &Collection, gone: &[Uncounted]) -> HashSet<SetId> {
    let out: HashSet<SetId> = gone.iter().map(|uncounted| uncounted.set).collect();
    let mut ids: Vec<_> = collection.complete().map(|set| set.id).collect();
    ids.sort_unstable();
    let counting: HashSet<SetTime> =
        ids.iter().filter(|id| !out.contains(id)).map(|id| id.time).collect();
    let mut bases: HashSet<SetTime> = HashSet::new();
    let mut needed = HashSet::new();
    // What a set builds on comes before it.
    for id in ids.into_iter().rev() {
        let wanted = bases.contains(&id.time) && !counting.contains(&id.time);
        if out.contains(&id) && !wanted {
            continue;
        }
        if out.contains(&id) {
            needed.insert(id);
        }
        bases.extend(id.base);
    }
    needed
}

fn wrappings(set: &StoredSet) -> impl Iterator<Item = Wrapping> {
    let names = set.volumes.values().chain(&set.signatures).chain(&set.manifest);
    names.filter_map(|name| FileName::parse(name)).map(|name| name.wrapping)
}

fn is_encrypted(set: &StoredSet) -> bool {
    wrappings(set).all(|wrapping| wrapping == Wrapping::OpenPgp)
}

fn is_plain(set: &StoredSet) -> bool {
    wrappings(set).any(|wrapping| wrapping != Wrapping::OpenPgp)
}
