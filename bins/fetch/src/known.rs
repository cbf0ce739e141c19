//! What another store has already.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use archive::{Collection, Identity, SetId, StoredSet, parse_seal};
use failure::{Failure, OrFail, Status, shown};
use sha2::{Digest, Sha256};
use stream::{NewestSeal, ReceiptsInput};

/// The complete sets of that store.
#[derive(Default)]
pub(crate) struct Known {
    sets: HashMap<SetId, StoredSet>,
    newest_seal: Option<NewestSeal>,
    /// The identity in that seal.
    identity: Option<Identity>,
}

impl Known {
    /// From the receipts that a file holds.
    pub(crate) fn read(path: &Path) -> Result<Known, Failure> {
        let which = shown(&path);
        let file = File::open(path).or_fail(Status::Failed, &which)?;
        let named = |failure: Failure| failure.about(&which);
        let mut input = ReceiptsInput::open(file).map_err(named)?;
        let (mut names, mut newest_seal, mut identity) = (Vec::new(), None, None);
        while let Some(receipt) = input.advance().map_err(named)? {
            let sealed = parse_seal(&receipt.stored).zip(receipt.seal);
            let newest = newest_seal.as_ref().map(|seal: &NewestSeal| seal.time);
            if let Some((time, text)) = sealed.filter(|(time, _)| Some(*time) > newest) {
                let seal = openpgp::read_seal(&receipt.stored, text.as_bytes())?;
                let (sha256, passphrase) = (format!("{:x}", Sha256::digest(text)), seal.passphrase);
                newest_seal = Some(NewestSeal { time, sha256, passphrase });
                identity = seal.identity;
            }
            names.push(receipt.stored);
        }
        let sets = Collection::of(names);
        let sets = sets.complete().map(|set| (set.id, set.clone())).collect();
        Ok(Known { sets, newest_seal, identity })
    }

    /// The complete sets there.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SetId> {
        self.sets.keys().copied()
    }

    /// Whether a complete set is there.
    pub(crate) fn has_manifest_of(&self, set: SetId) -> bool {
        self.sets.contains_key(&set)
    }

    /// The newest seal there.
    pub(crate) fn newest_seal(&self) -> Option<NewestSeal> {
        self.newest_seal.clone()
    }

    /// The identity of the backup there.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Whether it has a set. Its manifest has come last; but an archive may have lost something
    /// since, and of that there is never another version.
    pub(crate) fn has(&self, set: &StoredSet, content: bool) -> bool {
        let Some(known) = self.sets.get(&set.id) else { return false };
        let all = known.signatures.is_some() >= set.signatures.is_some()
            && known.seal.is_some() >= set.seal.is_some();
        content || all
    }
}
