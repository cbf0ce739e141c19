//! Finding files with another name than in their seal, by size and hash.

use std::collections::{HashMap, HashSet};

use archive::seal_name;
use failure::Failure;
use sha2::Sha256;
use store::{Store, final_name};

use crate::Survey;
use crate::content::{digest, of_one_file};

/// The number of files that are tried if the seal does not have the size of a missing one.
const MOST_TRIED: usize = 1000;

impl Survey {
    /// Finds the files that the seals list. Each file of the store is hashed once at most, and only
    /// if no seal lists it or it has the size of a missing one.
    pub(crate) fn find_renamed(&mut self, store: &mut dyn Store) -> Result<(), Failure> {
        let mut names = self.missing(store)?;
        for (set, sealed) in &self.seals.all {
            if let Some(there) = &sealed.there {
                names.insert(seal_name(set.time), there.clone());
            }
        }
        self.named = self.seals.files().map(|file| file.name).collect();
        if !names.is_empty() {
            let moved: HashSet<&String> = names.values().collect();
            let replaced = self.names.iter().filter(|name| !moved.contains(name)).cloned();
            let mut all: Vec<_> = replaced.chain(names.keys().cloned()).collect();
            all.sort();
            all.dedup();
            self.names = all;
            self.renamed = names;
        }
        self.sort();
        Ok(())
    }

    /// The names in the store of sealed files that are not there under their own.
    fn missing(&self, store: &mut dyn Store) -> Result<HashMap<String, String>, Failure> {
        let wanted: Vec<_> = self.seals.files().collect();
        let sealed: HashMap<&str, Option<u64>> =
            wanted.iter().map(|file| (file.name.as_str(), file.size)).collect();
        // A file under a sealed name that has another size is not the one that is meant.
        let is_free = |name: &str, size: u64| match sealed.get(name) {
            None => true,
            Some(told) => told.is_some_and(|told| told != size),
        };
        let mut strays = Strays::default();
        for (name, size) in &self.sizes {
            if is_free(name, *size) {
                strays.by_size.entry(*size).or_default().push(name.clone());
            }
        }
        strays.sort();
        let mut found = HashMap::new();
        for file in wanted {
            let there = self.sizes.get(&file.name).copied();
            let fits = there.is_some() && file.size.is_none_or(|size| Some(size) == there);
            let rivals = strays.rivals(file.size);
            if rivals.is_empty() || (fits && file.size.is_none()) {
                continue;
            }
            // A file of the same size may have taken its name.
            if fits && strays.is(store, &file.name, file.sha256)? {
                continue;
            }
            let is_upload = |name: &String| final_name(name) == Some(file.name.as_str());
            // The files of a set that is being uploaded have such names.
            let may_be = |name: &String| !is_upload(name) || self.seals.has_arrived(file.set);
            for rival in rivals.into_iter().filter(may_be) {
                if strays.is(store, &rival, file.sha256)? {
                    found.insert(file.name.clone(), rival);
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// Files without a place, and the hashes of those that have been read.
#[derive(Default)]
struct Strays {
    by_size: HashMap<u64, Vec<String>>,
    hashes: HashMap<String, String>,
}

impl Strays {
    /// Sorts them, so that each run has the same order.
    fn sort(&mut self) {
        self.by_size.values_mut().for_each(|names| names.sort_unstable());
    }

    /// Those that may be a file of that size.
    fn rivals(&self, size: Option<u64>) -> Vec<String> {
        match size {
            Some(size) => self.by_size.get(&size).cloned().unwrap_or_default(),
            None => {
                let mut all: Vec<_> = self.by_size.values().flatten().cloned().collect();
                all.sort_unstable();
                all.truncate(MOST_TRIED);
                all
            }
        }
    }

    /// Whether a file has that SHA-256.
    fn is(&mut self, store: &mut dyn Store, name: &str, sha256: &str) -> Result<bool, Failure> {
        if !self.hashes.contains_key(name) {
            let read = store.open(name).and_then(|mut file| digest::<Sha256>(name, &mut file));
            let hash = match read {
                Err(failure) if of_one_file(&failure) => String::new(),
                hash => hash?,
            };
            self.hashes.insert(name.to_owned(), hash);
        }
        Ok(self.hashes.get(name).is_some_and(|hash| hash == sha256))
    }
}
