//! A store of which only the files of one backup are seen, without the prefixes of their names.

use std::io::Read;

use archive::Prefixes;
use failure::Failure;

use crate::temporary::{final_name, named_for};
use crate::{Limits, Sink, Store, Stored};

/// The backup with these prefixes in a store that may have others beside it.
pub(crate) struct PrefixedStore {
    inner: Box<dyn Store>,
    prefixes: Prefixes,
}

impl PrefixedStore {
    pub(crate) fn new(inner: Box<dyn Store>, prefixes: Prefixes) -> PrefixedStore {
        PrefixedStore { inner, prefixes }
    }

    /// The name in the store. A temporary name stays one: other programs ignore it, too.
    fn outer(&self, name: &str) -> String {
        match final_name(name) {
            Some(meant) => named_for(name, meant, &self.prefixes.outer(meant)),
            None => self.prefixes.outer(name),
        }
    }

    fn inner(&self, name: &str) -> Option<String> {
        match final_name(name) {
            Some(meant) => Some(named_for(name, meant, self.prefixes.inner(meant)?)),
            None => self.prefixes.inner(name).map(str::to_owned),
        }
    }
}

impl Store for PrefixedStore {
    fn limits(&mut self) -> Result<Limits, Failure> {
        self.inner.limits()
    }

    fn make_folder(&mut self) -> Result<(), Failure> {
        self.inner.make_folder()
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        let files = self.inner.list()?;
        let own = |file: Stored| Some(Stored { name: self.inner(&file.name)?, size: file.size });
        Ok(files.into_iter().filter_map(own).collect())
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        self.inner.open(&self.outer(name))
    }

    fn create(&mut self, name: &str, size: Option<u64>) -> Result<Box<dyn Sink>, Failure> {
        self.inner.create(&self.outer(name), size)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        self.inner.rename(&self.outer(from), &self.outer(to))
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.inner.remove(&self.outer(name))
    }

    fn discard(&mut self, name: &str) -> Result<(), Failure> {
        self.inner.discard(&self.outer(name))
    }

    fn sync(&mut self) -> Result<(), Failure> {
        self.inner.sync()
    }

    fn keep_alive(&mut self) {
        self.inner.keep_alive();
    }

    fn another(&self) -> Box<dyn Store> {
        Box::new(PrefixedStore::new(self.inner.another(), self.prefixes.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{folder, temporary_name};
    use std::io::Write;

    fn put(store: &mut dyn Store, name: &str) {
        let mut sink = store.create(name, None).unwrap();
        sink.write_all(b"moo").unwrap();
        sink.finish().unwrap();
    }

    fn names(store: &mut dyn Store) -> Vec<String> {
        let mut names: Vec<_> = store.list().unwrap().into_iter().map(|file| file.name).collect();
        names.sort();
        names
    }

    #[test]
    fn backups_with_other_prefixes_are_not_seen_also_while_they_are_uploaded() {
        let scratch = tempfile::tempdir().unwrap();
        let prefixed = |all: &str| {
            let prefixes = Prefixes::new(all, ["m-", "", "", ""]).unwrap();
            PrefixedStore::new(folder(scratch.path()), prefixes)
        };
        let (mut one, mut other) = (prefixed("a"), prefixed("ab"));
        let manifest = "duplicity-full.20261122T201500Z.manifest";
        let temporary = temporary_name(manifest);
        put(&mut other, &temporary);
        assert_eq!(names(&mut other), [temporary.as_str()]);
        assert!(names(&mut one).is_empty());
        other.rename(&temporary, manifest).unwrap();
        put(&mut one, "moobacker.20261122T201500Z.seal");
        assert_eq!(names(&mut other), [manifest]);
        assert_eq!(names(&mut one), ["moobacker.20261122T201500Z.seal"]);
        let mut all = folder(scratch.path());
        assert_eq!(
            names(all.as_mut()),
            ["abm-duplicity-full.20261122T201500Z.manifest", "am-moobacker.20261122T201500Z.seal"]
        );
    }
}
