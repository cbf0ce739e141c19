//! Sets whose manifest is lost: a seal in the store lists it, and no file has its content.
//!
//! The seal gets its name after all files of its set have arrived. So a seal without a manifest is not of an
//! interrupted run. Somebody deleted the manifest, or renamed it so that no listing shows it.

use std::collections::BTreeMap;

use archive::{FileKind, FileName, Seal, SetId, SetTime};

use crate::Survey;

impl Survey {
    /// The sets whose manifest is lost, with its name.
    pub fn lost(&self) -> &BTreeMap<SetId, String> {
        &self.lost
    }

    /// Adds the sets whose manifest is lost to the collection, so that whatever needs it fails.
    pub fn count_lost(&mut self) {
        if !self.lost.is_empty() {
            self.counts_lost = true;
            self.sort();
        }
    }

    /// Finds them. A seal alone tells that a set was deleted, as duplicity deletes sets; it counts if its set
    /// would be the newest.
    pub(crate) fn find_lost(&mut self) {
        let newest: Option<SetTime> = self.complete.iter().map(|set| set.time).max();
        let begun = &self.collection.incomplete;
        let found = self.seals.all.values().filter_map(|sealed| {
            let set = sealed.seal.set;
            let counts = Some(set.time) > newest || begun.iter().any(|begun| begun.id == set);
            let is_lost = counts && !self.complete.contains(&set);
            let is_stored = sealed.there.is_some() || self.seal_name(set.time).is_some();
            let name = manifest(&sealed.seal).filter(|_| is_lost && is_stored)?;
            (!self.names.contains(&name)).then_some((set, name))
        });
        self.lost = found.collect();
    }
}

/// The name of the manifest that a seal lists.
fn manifest(seal: &Seal) -> Option<String> {
    let is_manifest = |name: &FileName| name.kind == FileKind::Manifest && name.set == seal.set;
    let named =
        seal.files.iter().find(|file| FileName::parse(&file.name).is_some_and(|n| is_manifest(&n)));
    named.map(|file| file.name.clone())
}
