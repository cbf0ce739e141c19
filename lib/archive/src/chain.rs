//! Sets as they lie in a store, and the chains that they form.

use std::collections::BTreeMap;

use crate::{FileKind, SetId, SetTime};

/// The names of the files of one set, as the store spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSet {
    /// Which set it is.
    pub id: SetId,
    /// The volumes by their numbers; there may be gaps, and more than the manifest names.
    pub volumes: BTreeMap<u64, String>,
    /// The signature tar.
    pub signatures: Option<String>,
    /// The manifest; a set without one is not complete.
    pub manifest: Option<String>,
    /// duplicity 3's statistics.
    pub stats: Option<String>,
    /// The seal, by its time alone: that it is of this set is for its reader to check.
    pub seal: Option<String>,
    /// The parity files by their numbers, by their time alone.
    pub parity: BTreeMap<u64, String>,
}

impl StoredSet {
    pub(crate) fn new(id: SetId) -> StoredSet {
        let (signatures, manifest, stats, seal) = (None, None, None, None);
        let (volumes, parity) = (BTreeMap::new(), BTreeMap::new());
        StoredSet { id, volumes, signatures, manifest, stats, seal, parity }
    }

    pub(crate) fn add(&mut self, kind: FileKind, raw: String) {
        match kind {
            FileKind::Volume(number) => {
                self.volumes.insert(number, raw);
            }
            FileKind::Signatures => self.signatures = Some(raw),
            FileKind::Manifest => self.manifest = Some(raw),
            FileKind::Stats => self.stats = Some(raw),
        }
    }

    /// The names of all files, in the order in which they get their names: volumes, signatures,
    /// statistics, parity, seal, manifest. To remove a set, go backwards.
    pub fn files(&self) -> impl DoubleEndedIterator<Item = &str> {
        let content = [&self.signatures, &self.stats].into_iter().flatten();
        let last = [&self.seal, &self.manifest].into_iter().flatten();
        let files = self.volumes.values().chain(content).chain(self.parity.values()).chain(last);
        files.map(String::as_str)
    }
}

/// A full set and the increments that build on it, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The sets by time; the first one, and only it, is full.
    pub sets: Vec<StoredSet>,
    start: SetTime,
    end: SetTime,
}

impl Chain {
    pub(crate) fn new(full: StoredSet) -> Chain {
        let time = full.id.time;
        Chain { sets: vec![full], start: time, end: time }
    }

    /// Adds the increment that builds on the end.
    pub(crate) fn extend(&mut self, inc: StoredSet) {
        self.end = inc.id.time;
        self.sets.push(inc);
    }

    /// The time of the set before the last increment, or `None` in a chain without increments.
    pub(crate) fn last_base(&self) -> Option<SetTime> {
        self.sets.last()?.id.base
    }

    /// The time of the full set.
    pub fn start(&self) -> SetTime {
        self.start
    }

    /// The time of the newest state.
    pub fn end(&self) -> SetTime {
        self.end
    }

    /// The sets of the newest state not after `time`, or `None` if the chain starts later.
    pub fn up_to(&self, time: SetTime) -> Option<&[StoredSet]> {
        let count = self.sets.partition_point(|set| set.id.time <= time);
        self.sets.get(..count).filter(|sets| !sets.is_empty())
    }

    /// Whether each set has its signature tar: without them all no increment can be added.
    pub fn has_all_signatures(&self) -> bool {
        self.sets.iter().all(|set| set.signatures.is_some())
    }
}

/// Why there is nothing to restore for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// All backups are later than that, or there is no backup.
    #[error("{wanted}: {}", no_backup(first))]
    NoBackup {
        /// The time asked for.
        wanted: SetTime,
        /// The time of the first backup that there is.
        first: Option<SetTime>,
    },
    /// A set was made for that time, but its chain is broken, or a later increment to the same base
    /// has replaced it. duplicity would restore the older state before it.
    #[error("{orphan}: not restorable, its chain is broken after {base}")]
    Missing {
        /// The first set that the chain does not reach.
        orphan: SetId,
        /// The time of the set that it builds on.
        base: SetTime,
    },
}

fn no_backup(first: &Option<SetTime>) -> String {
    match first {
        Some(first) => format!("no backup is old enough, the first one is of {first}"),
        None => "there is no backup".into(),
    }
}
