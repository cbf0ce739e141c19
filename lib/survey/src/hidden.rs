//! Sets of which every file has the temporary name of an upload.
//!
//! An upload sends all files of a set under temporary names, the manifest last. Then it renames them.
//! So either a run was interrupted just before its end, or somebody who can only rename files has renamed
//! them. The names do not tell which. What builds on the set, or the signature of its seal, shows that it
//! may be restored.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use archive::{Collection, FileName, Seal, SetId, SetTime, parse_seal};
use store::final_name;

use crate::sealed::Sealed;

/// What becomes of a hidden set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A set builds on it or follows it, so its upload was completed.
    Needed,
    /// It counts, because its seal is signed, all its files are there, and it is the newest set.
    Counts,
    /// All its files are there, but nothing shows that it was completed.
    Whole,
    /// Some of its files are missing.
    Cut,
}

/// The hidden sets of a store.
#[derive(Default)]
pub(crate) struct HiddenSets {
    pub(crate) fates: BTreeMap<SetId, Fate>,
}

/// What there is to compare hidden sets with.
pub(crate) struct Surroundings<'a> {
    pub(crate) collection: &'a Collection,
    /// Sizes in bytes, by the names in the store.
    pub(crate) sizes: &'a HashMap<String, u64>,
    /// Times of sets that a coming set, or one whose seal was read, builds on.
    pub(crate) bases: BTreeSet<SetTime>,
    /// Hashes of seals that the seals of other sets follow.
    pub(crate) followed: HashSet<String>,
    /// The time of the newest set that is not hidden.
    pub(crate) newest: Option<SetTime>,
    /// Whether a valid seal is enough for the newest set.
    pub(crate) trusts_seals: bool,
}

impl HiddenSets {
    /// Decides about the sets of these seals, which have temporary names, and returns the seals of
    /// the sets that count.
    pub(crate) fn decide(&mut self, seals: Vec<Sealed>, around: Surroundings<'_>) -> Vec<Sealed> {
        let files = Files::of(around.collection, around.sizes);
        let (mut bases, mut followed) = (around.bases, around.followed);
        bases.extend(around.collection.complete().filter_map(|set| set.id.base));
        let mut newest = around.newest;
        let mut seals = seals;
        // What builds on a set is later than it.
        seals.sort_by_key(|sealed| std::cmp::Reverse((sealed.seal.set.time, sealed.seal.set)));
        let mut counting = Vec::new();
        for sealed in seals {
            let set = sealed.seal.set;
            let is_newest = Some(set.time) > newest && !self.fates.contains_key(&set);
            let fate = match files.hold(&sealed.seal) {
                _ if bases.contains(&set.time) || followed.contains(&sealed.sha256) => Fate::Needed,
                true if around.trusts_seals && is_newest => Fate::Counts,
                true => Fate::Whole,
                false => Fate::Cut,
            };
            self.fates.entry(set).or_insert(fate);
            if matches!(fate, Fate::Needed | Fate::Counts) {
                bases.extend(set.base);
                followed.extend(sealed.seal.previous.clone());
                newest = newest.max(Some(set.time));
                counting.push(sealed);
            }
        }
        // A set that is older than one that counts was given up.
        self.fates.retain(|set, fate| *fate != Fate::Cut || Some(set.time) > newest);
        counting
    }

    /// The sets with one of these fates.
    pub(crate) fn with<'a>(&'a self, fates: &'a [Fate]) -> impl Iterator<Item = SetId> + 'a {
        let found = self.fates.iter().filter(|(_, fate)| fates.contains(fate));
        found.map(|(set, _)| *set)
    }
}

/// The files of a store.
struct Files<'a> {
    sizes: &'a HashMap<String, u64>,
    /// The sizes of files with temporary names, by the names that they are to get.
    uploads: HashMap<&'a str, HashSet<u64>>,
    /// The sizes of files whose names tell nothing.
    strays: HashSet<u64>,
}

impl<'a> Files<'a> {
    fn of(collection: &'a Collection, sizes: &'a HashMap<String, u64>) -> Files<'a> {
        let (mut uploads, mut strays) = (HashMap::<_, HashSet<u64>>::new(), HashSet::new());
        for name in &collection.strangers {
            let size = sizes.get(name).copied().unwrap_or(0);
            match final_name(name).filter(|name| is_ours(name)) {
                Some(name) => uploads.entry(name).or_default().insert(size),
                None => strays.insert(size),
            };
        }
        Files { sizes, uploads, strays }
    }

    /// Whether all files of a seal may be there; names and sizes alone do not tell.
    fn hold(&self, seal: &Seal) -> bool {
        seal.files.iter().all(|file| {
            let name = file.name.as_str();
            let Some(size) = file.size else {
                // Seals of older versions have no sizes.
                return self.sizes.contains_key(name) || self.uploads.contains_key(name);
            };
            self.sizes.get(name) == Some(&size)
                || self.uploads.get(name).is_some_and(|sizes| sizes.contains(&size))
                || self.strays.contains(&size)
        })
    }
}

/// Whether a name is one of a file of a set.
fn is_ours(name: &str) -> bool {
    FileName::parse(name).is_some() || parse_seal(name).is_some()
}
