//! Which files and sets of a store count.
//!
//! Whoever can only add files to a store can also rename them. So a listing alone does not show
//! what a file is. The file that a seal lists is the one with the sealed size and hash, whatever
//! its name. A file that no seal lists is a stranger if another one has its place in a set. A set
//! that must be vouched for, and is not, does not count: see [`Judge`].

mod belonging;
mod content;
mod fork;
mod hidden;
mod judge;
mod lost;
mod misfits;
mod parity_file;
mod renamed;
mod sealed;
mod seals;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;

use archive::{Collection, FileName, Labels, Prefixes, SetId, SetTime, parse_repaired, parse_seal};
use failure::Failure;
use local::Folder;
use openpgp::Cert;
use store::{Store, Stored, final_name};

pub use belonging::several;
pub use content::{digest, of_one_file};
pub use judge::{Judge, Uncounted};
pub use misfits::Misfit;
pub use parity_file::ParityFile;
pub use sealed::Sealed;

use crate::hidden::Fate;
use crate::seals::Seals;

/// Whether a file is named, or is to be named, like one of a backup with prefixes beside this one. It is of
/// this one if a seal lists its hash.
pub(crate) fn is_of_another(name: &str) -> bool {
    Prefixes::has_prefix(final_name(name).unwrap_or(name))
}

/// The content of a store.
pub struct Survey {
    /// The sets, with the names that their seals give the files.
    pub collection: Collection,
    /// Sizes in bytes, by the names in the store.
    sizes: HashMap<String, u64>,
    /// The names in the store of files that were renamed, by the names in their seals.
    renamed: HashMap<String, String>,
    /// All names; renamed files have the names from their seals.
    names: Vec<String>,
    /// Names that a seal gives.
    named: HashSet<String>,
    seals: Seals,
    /// The sets that have a manifest, whether they count or not.
    complete: HashSet<SetId>,
    /// The sets whose manifest is lost, with its name.
    lost: BTreeMap<SetId, String>,
    /// Whether they belong to the collection.
    counts_lost: bool,
}

impl Survey {
    /// Classifies a listing. The seals in the archive directory `folder` and those of the store
    /// identify the files; with `certs`, only seals that one of them has signed.
    ///
    /// Seals of the store, and files without a place, are read only if there are files without a
    /// place, or a set with a seal and without a manifest.
    ///
    /// # Errors
    /// The store cannot be reached, or the archive directory cannot be read.
    pub fn of(
        store: &mut dyn Store,
        files: &[Stored],
        folder: Option<&Folder>,
        certs: &[Cert],
    ) -> Result<Survey, Failure> {
        Survey::before(None, store, files, (folder, certs))
    }

    /// Classifies a listing as [`Survey::of`] does, before a set is stored that builds on the set of
    /// the time `base`: that set was completed, whatever the names of its files.
    ///
    /// # Errors
    /// The store cannot be reached, or the archive directory cannot be read.
    pub fn before(
        base: Option<SetTime>,
        store: &mut dyn Store,
        files: &[Stored],
        (folder, certs): (Option<&Folder>, &[Cert]),
    ) -> Result<Survey, Failure> {
        let files = files.iter().filter(|file| !file.name.is_empty());
        let sizes: HashMap<String, u64> =
            files.map(|file| (file.name.clone(), file.size)).collect();
        let mut names: Vec<String> = sizes.keys().cloned().collect();
        names.sort();
        let collection = Collection::of(names.iter().cloned());
        let mut survey = Survey {
            collection,
            sizes,
            renamed: HashMap::new(),
            names,
            named: HashSet::new(),
            seals: Seals::new(certs.to_vec()),
            complete: HashSet::new(),
            lost: BTreeMap::new(),
            counts_lost: false,
        };
        if let Some(folder) = folder {
            survey.seals.of_archive(folder)?;
        }
        let has_cut_off = survey.collection.incomplete.iter().any(|set| set.seal.is_some());
        if has_cut_off || !survey.collection.strangers.is_empty() {
            survey.seals.of_store(store, (&survey.collection, base), &survey.sizes)?;
        }
        survey.find_renamed(store)?;
        survey.complete = survey.collection.complete().map(|set| set.id).collect();
        survey.find_lost();
        Ok(survey)
    }

    /// The name in the store of a file of the collection.
    pub fn stored_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.renamed.get(name).map_or(name, String::as_str)
    }

    /// The size in bytes of a file of the collection.
    pub fn size(&self, name: &str) -> u64 {
        self.sizes.get(self.stored_name(name)).copied().unwrap_or(0)
    }

    /// Sets of the collection every file of which has the temporary name of an upload.
    pub fn hidden(&self) -> impl Iterator<Item = SetId> {
        let is_upload = |name: &str| final_name(self.stored_name(name)) == Some(name);
        let sets = self.collection.complete();
        sets.filter(move |set| set.files().all(is_upload)).map(|set| set.id)
    }

    /// Sets that are newer than all others and do not count, because the files that their signed
    /// seals list are not all there. Every file that is there has the temporary name of an upload.
    pub fn cut(&self) -> impl Iterator<Item = SetId> {
        let demanded = self.seals.are_demanded();
        self.seals.hidden.with(&[Fate::Cut]).filter(move |_| demanded)
    }

    /// Sets with a seal and all files, every one of them with the temporary name of an upload, of which
    /// nothing shows that the upload was completed.
    pub fn undecided(&self) -> impl Iterator<Item = SetId> {
        self.seals.hidden.with(&[Fate::Whole])
    }

    /// Whether the store has a set with its manifest, be it one that counts or not.
    pub fn has(&self, set: SetId) -> bool {
        self.complete.contains(&set)
    }

    /// The name in the store of a file of the collection, if the store has one for it.
    pub fn find<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        Some(self.stored_name(name)).filter(|there| self.sizes.contains_key(*there))
    }

    /// All names in the store.
    pub fn stored_names(&self) -> impl Iterator<Item = &str> {
        self.sizes.keys().map(String::as_str)
    }

    /// Files that belong to no set that counts, sorted: foreign files, and files with the name of
    /// another file. A damaged file that a repaired one replaces is none, and so is what has the name of a
    /// file of another backup, behind a prefix.
    pub fn strangers(&self) -> Vec<&str> {
        let all = self.collection.strangers.iter().map(String::as_str);
        let mut names: Vec<_> = all.filter(|name| !is_of_another(name)).collect();
        // The file that is meant has another name.
        let replaced = self.renamed.iter().filter(|(name, there)| {
            self.sizes.contains_key(*name) && parse_repaired(there) != Some(name)
        });
        names.extend(replaced.map(|(name, _)| name.as_str()));
        names.sort_unstable();
        names
    }

    /// All files with the names from their seals, without files that only have the name of another
    /// one.
    pub fn listing(&self) -> Vec<Stored> {
        let twins: HashSet<&str> = self.twins().into_iter().collect();
        let is_own = |name: &str| !twins.contains(name) && !is_of_another(name);
        let names = self.names.iter().filter(|name| is_own(name));
        let file = |name: &String| Stored { name: name.clone(), size: self.size(name) };
        let replaced = self.renamed.keys().filter(|name| twins.contains(name.as_str()));
        names.chain(replaced).map(file).collect()
    }

    /// The strangers that pass for a file of a set which the collection has.
    pub fn twins(&self) -> Vec<&str> {
        let sets: HashSet<SetId> = self.collection.sets().map(|set| set.id).collect();
        let times: HashSet<SetTime> = sets.iter().map(|set| set.time).collect();
        let of_set = |name: &&str| {
            if let Some(time) = parse_seal(name) {
                return times.contains(&time);
            }
            let file = FileName::parse(name).filter(|_| !FileName::is_stranger(name));
            file.is_some_and(|file| sets.contains(&file.set))
        };
        self.strangers().into_iter().filter(of_set).collect()
    }

    /// Opens a file of the collection, whatever its name in the store.
    pub fn open(
        &self,
        store: &mut dyn Store,
        name: &str,
    ) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        store.open(self.stored_name(name))
    }

    /// Files with another name than in their seal: this name, and the one in the seal; sorted.
    pub fn renamed(&self) -> Vec<(&str, &str)> {
        let pairs = self.renamed.iter().map(|(name, there)| (name.as_str(), there.as_str()));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        pairs
    }

    /// The seal of a set, if it has a valid one.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn seal(&mut self, store: &mut dyn Store, set: SetId) -> Result<Option<&Sealed>, Failure> {
        if self.seals.get(set).is_none()
            && let Some(name) = self.seal_name(set.time)
        {
            let there = self.stored_name(&name).to_owned();
            self.seals.read(store, &name, &there)?;
        }
        Ok(self.seals.get(set))
    }

    /// The tags and the note of a set, if it has a valid seal. A seal that is read for them alone is not
    /// kept: a store may have many, and large ones.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn labels(&mut self, store: &mut dyn Store, set: SetId) -> Result<Option<Labels>, Failure> {
        let is_known = self.seals.get(set).is_some();
        let labels = self.seal(store, set)?.map(|sealed| sealed.seal.labels.clone());
        if !is_known {
            self.seals.all.remove(&set);
        }
        Ok(labels)
    }

    fn seal_name(&self, time: SetTime) -> Option<String> {
        let name = archive::seal_name(time);
        let is_there = self.renamed.contains_key(&name) || self.sizes.contains_key(&name);
        is_there.then_some(name)
    }

    /// Takes sets out of the collection. Their files belong to no set from then on.
    pub(crate) fn remove(&mut self, sets: &HashSet<SetId>) {
        let gone: HashSet<String> = self
            .collection
            .sets()
            .filter(|set| sets.contains(&set.id))
            .flat_map(|set| set.volumes.values().chain(&set.signatures).chain(&set.manifest))
            .cloned()
            .collect();
        self.names.retain(|name| !gone.contains(name));
        self.lost.retain(|set, _| !sets.contains(set));
        self.sort();
    }

    fn sort(&mut self) {
        let lost = self.lost.values().filter(|_| self.counts_lost);
        let names = self.names.iter().chain(lost).cloned();
        self.collection = Collection::preferring(names, &|name| self.named.contains(name));
    }
}
