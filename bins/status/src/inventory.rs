//! What a store holds, as far as names, seals and the archive tell.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Fork, Identity, Labels, Manifest, SetId, SetTime, StoredSet, Wrapping};
use survey::Misfit;

use crate::finding::Finding;

/// All that is known of a store.
pub(crate) struct Inventory {
    /// The time of this listing.
    pub(crate) now: SetTime,
    /// The chains by their ends, each as its sets.
    pub(crate) chains: Vec<Vec<Set>>,
    /// Increments that no chain holds.
    pub(crate) orphans: Vec<Set>,
    /// Sets without a manifest.
    pub(crate) incomplete: Vec<Set>,
    /// Sets whose manifest is lost: a seal lists it.
    pub(crate) lost: BTreeSet<SetId>,
    /// Sets that count although all their files have temporary names.
    pub(crate) hidden: BTreeSet<SetId>,
    /// Sets that do not count, because not all files that their signed seals list are there.
    pub(crate) cut: BTreeSet<SetId>,
    /// Names of files that belong to no set.
    pub(crate) foreign: Vec<String>,
    /// How many files have other names than their seals give them.
    pub(crate) renamed: u64,
    /// What there is to doubt about whose sets they are.
    pub(crate) doubts: Doubts,
    /// What shows damage without reading a file.
    pub(crate) damage: Damage,
    /// How many files have the temporary names of an upload.
    pub(crate) unfinished: u64,
    /// Problems and notes.
    pub(crate) findings: Vec<Finding>,
    /// The newest state of which nothing is missing.
    pub(crate) last_good: Option<SetTime>,
}

/// Why sets may not belong to this backup.
pub(crate) struct Doubts {
    /// Sets that have no seal of the seal key.
    pub(crate) unsealed: BTreeSet<SetId>,
    /// Which backup the sets are of.
    pub(crate) belonging: Belonging,
    /// Sets that two copies of the archive directory have made without knowing of each other.
    pub(crate) forks: Vec<Fork>,
    /// Increments whose seal does not follow that of the set before, which is the other one.
    pub(crate) unlinked: BTreeMap<SetId, SetId>,
}

impl Doubts {
    /// Whether a set does not count.
    pub(crate) fn about(&self, id: SetId) -> bool {
        self.unsealed.contains(&id) || self.belonging.foreign.contains_key(&id)
    }
}

/// What shows damage without reading a file.
pub(crate) struct Damage {
    /// Files whose size is not that of their seal, by set and name.
    pub(crate) misfits: Vec<Misfit>,
    /// Sets whose seal in the archive directory is damaged.
    pub(crate) here: Vec<SetId>,
    /// Sets whose seal in the store was read and is damaged.
    pub(crate) there: Vec<SetId>,
}

/// Which backup the sets of a store are of.
pub(crate) struct Belonging {
    /// The identity of the backup; none where nothing tells it.
    pub(crate) identity: Option<Identity>,
    /// The sets of other backups, with the identity of each.
    pub(crate) foreign: BTreeMap<SetId, Identity>,
    /// A message, if the sets are of several backups and none of these is expected.
    pub(crate) several: Option<String>,
}

/// A set of the store.
pub(crate) struct Set {
    /// Its files.
    pub(crate) stored: StoredSet,
    /// The bytes in them.
    pub(crate) bytes: u64,
    /// How they are wrapped.
    pub(crate) wrapping: BTreeSet<Wrapping>,
    /// What a person has said of it, as its seal has it.
    pub(crate) labels: Labels,
    /// What the archive knows of it.
    pub(crate) known: Option<Facts>,
}

/// What the archive knows of a set.
pub(crate) struct Facts {
    /// How many volumes it has.
    pub(crate) volumes: u64,
    /// Whether it has a seal.
    pub(crate) sealed: bool,
    /// The host that made it.
    pub(crate) host: Option<Vec<u8>>,
    /// The source as its user spelt it.
    pub(crate) source: Option<Vec<u8>>,
}

impl Facts {
    pub(crate) fn new(set: &StoredSet, manifest: Manifest) -> Facts {
        let Manifest { hostname: host, localdir: source, volumes, .. } = manifest;
        Facts { volumes: volumes.len() as u64, sealed: set.seal.is_some(), host, source }
    }
}

/// The complete sets that the archive knows.
pub(crate) struct Known {
    /// By chain; an increment without a chain is by itself.
    pub(crate) chains: Vec<Vec<SetId>>,
    /// Their files in the archive.
    pub(crate) sets: BTreeMap<SetId, StoredSet>,
}

impl Known {
    /// Whether a set is none of those that the archive knows, though it is not older than they are.
    pub(crate) fn is_strange(&self, id: SetId) -> bool {
        let first = self.sets.keys().next();
        first.is_some_and(|first| first.time <= id.time) && !self.sets.contains_key(&id)
    }
}
