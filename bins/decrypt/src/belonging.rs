//! Whether the sets of a stream belong to one backup, the expected one, and to the host and the
//! source that their manifests name.

use std::collections::BTreeMap;

use archive::{Identity, Manifest, Origin, Seal, SetId, SetTime};
use failure::{Failure, legible};

use crate::broken;

/// What the seals have said so far. Sets without an identity are unknown, and never refused.
#[derive(Default)]
pub(crate) struct Belonging {
    expected: Option<Identity>,
    /// The identity of each set's chain up to it.
    chains: BTreeMap<SetTime, Identity>,
    origins: BTreeMap<SetId, (Identity, Origin)>,
    wrong: Option<Failure>,
}

impl Belonging {
    pub(crate) fn new(expected: Option<Identity>) -> Belonging {
        Belonging { expected, ..Belonging::default() }
    }

    /// Takes the seal of a set, once it has been checked; none where the set has no seal.
    pub(crate) fn set(&mut self, id: SetId, seal: Option<&Seal>) {
        let before = id.base.and_then(|base| self.chains.get(&base)).copied();
        let identity = seal.and_then(|seal| seal.identity);
        if let Some((identity, origin)) = identity.zip(seal.and_then(|seal| seal.origin)) {
            self.origins.insert(id, (identity, origin));
        }
        for (expected, what) in [(before, "its chain is of"), (self.expected, "expected is")] {
            if let Some((found, expected)) = identity.zip(expected).filter(|(a, b)| a != b) {
                let why = format!("is of the backup {found}, but {what} {expected}");
                let failure =
                    broken(&format!("the {id}"), &format!("{why} (is it the right store?)"));
                self.wrong.get_or_insert(failure);
            }
        }
        if let Some(identity) = identity.or(before) {
            self.chains.insert(id.time, identity);
        }
    }

    /// Whether all sets so far belong together. Going on past damage is no way past this.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.wrong.clone().map_or(Ok(()), Err)
    }

    /// Compares the host and the source that a manifest names with the set's seal.
    pub(crate) fn manifest(&self, id: SetId, manifest: &Manifest) -> Result<(), Failure> {
        let Some((identity, origin)) = self.origins.get(&id) else { return Ok(()) };
        let host = manifest.hostname.as_deref().unwrap_or_default();
        let source = manifest.localdir.as_deref().unwrap_or_default();
        if identity.origin(host, source) == *origin {
            return Ok(());
        }
        let (host, source) = (legible::name(host), legible::name(source));
        let why = format!("its seal is of another host or source than {host} and {source}");
        Err(broken(&format!("the {id}"), &why))
    }
}
