//! What there is: the files of the store, and the sets of the archive.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use archive::{Collection, SetId, StoredSet};
use failure::{Failure, shown};
use local::Folder;
use store::Store;
use survey::Survey;

use crate::periods::Reasons;

/// The store and the archive as they are now.
pub(crate) struct Holdings {
    /// Which files of the store are meant.
    pub(crate) survey: Survey,
    pub(crate) store: Collection,
    pub(crate) archive: Option<Archive>,
}

/// The archive's folder and its sets.
pub(crate) struct Archive {
    pub(crate) folder: Folder,
    pub(crate) names: Vec<String>,
    pub(crate) collection: Collection,
    sets: BTreeMap<SetId, StoredSet>,
}

impl Holdings {
    /// Looks at both.
    pub(crate) fn of(store: &mut dyn Store, archive: Option<Folder>) -> Result<Holdings, Failure> {
        let archive = archive.map(Archive::of).transpose()?;
        let files = store.list()?;
        let folder = archive.as_ref().map(|archive| &archive.folder);
        let survey = Survey::of(store, &files, folder, &[])?;
        Ok(Holdings { store: survey.collection.clone(), survey, archive })
    }

    /// The sets that have one of these tags, as their seals say, each with the reason to keep it. Where a
    /// seal can't be read, nobody knows.
    pub(crate) fn tagged(
        &mut self,
        store: &mut dyn Store,
        tags: &[OsString],
    ) -> Result<Reasons, Failure> {
        let mut found = Reasons::new();
        let mut unknown: Vec<_> = tags.iter().collect();
        let sets: Vec<_> = self.store.sets().map(|set| (set.id, set.seal.is_some())).collect();
        for (set, is_sealed) in sets.into_iter().filter(|_| !tags.is_empty()) {
            let why = match self.survey.labels(store, set)? {
                None => is_sealed.then(|| "its seal can't be read (--keep-tag)".to_owned()),
                Some(labels) => {
                    unknown.retain(|tag| !labels.has_tag(tag.as_bytes()));
                    let tag = tags.iter().find(|tag| labels.has_tag(tag.as_bytes()));
                    tag.map(|tag| format!("tagged {} (--keep-tag)", shown(tag)))
                }
            };
            found.extend(why.map(|why| (set, vec![why])));
        }
        for tag in unknown {
            log::warn!("--keep-tag {}: no set has this tag (see moo status)", shown(tag));
        }
        Ok(found)
    }

    /// The archive's files of a set; a prune that was killed may have left it without a manifest.
    pub(crate) fn known(&self, id: SetId) -> Option<&StoredSet> {
        self.archive.as_ref()?.sets.get(&id)
    }

    /// All sets that the store has any file of.
    pub(crate) fn stored(&self) -> BTreeSet<SetId> {
        self.store.sets().map(|set| set.id).collect()
    }

    /// The bytes of files together.
    pub(crate) fn size(&self, names: &[String]) -> u64 {
        names.iter().map(|name| self.survey.size(name)).sum()
    }
}

impl Archive {
    fn of(folder: Folder) -> Result<Archive, Failure> {
        let (names, collection) = (folder.names()?, folder.collection()?);
        let sets = collection.sets().map(|set| (set.id, set.clone())).collect();
        Ok(Archive { folder, names, collection, sets })
    }

    /// Whether it knows no set at all, as one that was lost.
    pub(crate) fn is_empty(&self) -> bool {
        self.sets.values().all(|set| set.manifest.is_none())
    }
}
