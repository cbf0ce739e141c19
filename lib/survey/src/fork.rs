//! Forks among the sets of a store and of the archive directory.

use std::collections::BTreeMap;

use archive::{Fork, Link, SetId, forks};
use failure::Failure;
use store::Store;

use crate::{Sealed, Survey};

/// How many seals are read: who adds many sets is not read to the end of them.
const MOST_READ: usize = 512;

impl From<&Sealed> for Link {
    fn from(sealed: &Sealed) -> Link {
        let (set, previous) = (sealed.seal.set, sealed.seal.previous.clone());
        Link { set, sha256: sealed.sha256.clone(), previous }
    }
}

impl Survey {
    /// The forks in the two newest chains of the store, and between them and the sets that the
    /// archive directory knows. Their seals are read.
    ///
    /// # Errors
    /// The store is out of reach.
    pub fn forks(&mut self, store: &mut dyn Store) -> Result<Vec<Fork>, Failure> {
        let chains = self.collection.chains.iter().rev().take(2);
        let start = chains.filter_map(|chain| chain.sets.first()).map(|full| full.id.time).min();
        let Some(start) = start else { return Ok(Vec::new()) };
        let is_recent = |set: &SetId| set.time >= start;
        // Also sets that do not count: the other branch is unknown to the archive directory.
        let mut recent: Vec<SetId> = self.complete.iter().copied().filter(is_recent).collect();
        recent.sort_unstable_by_key(|set| std::cmp::Reverse(*set));
        for set in recent.into_iter().take(MOST_READ) {
            self.seal(store, set)?;
        }
        let links: Vec<Link> = self.seals.all.values().map(Link::from).collect();
        let exists = |set: SetId| self.has(set) || self.seals.is_kept(set);
        let is_there = |set: SetId| is_recent(&set) && self.has(set);
        let mut found = forks(&links);
        found.retain(|Fork { sets: (one, other), .. }| {
            exists(*one) && exists(*other) && (is_there(*one) || is_there(*other))
        });
        Ok(found)
    }

    /// The increments whose seal follows another seal than that of the set before them, as far as
    /// seals are read, each with the set before it. A restore refuses them.
    pub fn unlinked(&self) -> BTreeMap<SetId, SetId> {
        let pairs = self.collection.chains.iter().flat_map(|chain| chain.sets.windows(2));
        let mut unlinked = BTreeMap::new();
        for pair in pairs {
            let (before, id) = (pair[0].id, pair[1].id);
            let Some((earlier, sealed)) = self.seals.get(before).zip(self.seals.get(id)) else {
                continue;
            };
            if sealed.seal.previous.as_ref().is_some_and(|previous| *previous != earlier.sha256) {
                unlinked.insert(id, before);
            }
        }
        unlinked
    }
}
