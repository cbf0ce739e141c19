//! Which backups the sets of a store belong to, as their seals say.

use std::collections::BTreeMap;

use archive::{Identity, SetId, StoredSet};
use failure::{Failure, Status};
use store::Store;

use crate::Survey;

impl Survey {
    /// The identity of the archive directory's backup, from its newest seal with an identity,
    /// whoever signed it.
    pub fn identity(&self) -> Option<Identity> {
        self.seals.identity()
    }

    /// The identities of the chains, and of sets without a chain, each with the newest set that
    /// has it. One seal of each chain is read; moo-decrypt refuses a chain that mixes two.
    ///
    /// # Errors
    /// The store is out of reach.
    pub fn identities(
        &mut self,
        store: &mut dyn Store,
    ) -> Result<BTreeMap<Identity, SetId>, Failure> {
        let mut found = BTreeMap::new();
        for ids in self.newest_first() {
            for id in ids {
                let Some(sealed) = self.seal(store, id)? else { continue };
                if let Some(identity) = sealed.seal.identity {
                    let newest = found.entry(identity).or_insert(id);
                    *newest = id.max(*newest);
                }
                break;
            }
        }
        Ok(found)
    }

    /// The sets of other backups than the expected one, with their identities. A chain is read from
    /// its end to the first sealed set of the expected one.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn foreign(
        &mut self,
        expected: Identity,
        store: &mut dyn Store,
    ) -> Result<BTreeMap<SetId, Identity>, Failure> {
        let mut foreign = BTreeMap::new();
        for ids in self.newest_first() {
            for id in ids {
                let Some(sealed) = self.seal(store, id)? else { continue };
                let its = sealed.seal.identity.filter(|its| *its != expected);
                let Some(its) = its else { break };
                foreign.insert(id, its);
            }
        }
        Ok(foreign)
    }

    /// The sets of each chain, the newest first; a set without a chain is by itself.
    fn newest_first(&self) -> Vec<Vec<SetId>> {
        let chains = self.collection.chains.iter().map(|chain| chain.sets.as_slice());
        let orphans = self.collection.orphans.iter().map(std::slice::from_ref);
        let ids = |sets: &[StoredSet]| sets.iter().rev().map(|set| set.id).collect();
        chains.chain(orphans).map(ids).collect()
    }

    /// The identity of all sets, if nothing else says which one is meant, or `None` if no seal has
    /// one.
    ///
    /// # Errors
    /// The sets are of several backups, or the store cannot be reached.
    pub fn only_identity(
        &mut self,
        url: &str,
        store: &mut dyn Store,
    ) -> Result<Option<Identity>, Failure> {
        let found = self.identities(store)?;
        if found.len() < 2 {
            return Ok(found.into_keys().next());
        }
        Err(Failure::of(Status::Integrity, url, several(&found)))
    }
}

/// The message that lists the backups in a store, and says how to choose one.
pub fn several(found: &BTreeMap<Identity, SetId>) -> String {
    let each = |(identity, newest): (&Identity, &SetId)| format!("{identity} (the {newest})");
    let each: Vec<_> = found.iter().map(each).collect();
    format!(
        "holds sets of {} backups: {}; choose one with --identity",
        found.len(),
        each.join(", ")
    )
}
