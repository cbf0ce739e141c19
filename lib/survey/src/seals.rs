//! Seals, and which of them to believe.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Read;

use archive::{
    Collection, FileKind, FileName, Identity, Seal, SealedFile, SetId, SetTime, parse_seal,
    seal_name,
};
use failure::{Failure, OrFail, Status, shown};
use local::Folder;
use openpgp::{Cert, read_seal};
use store::{Store, final_name};

use crate::content::of_one_file;
use crate::hidden::{HiddenSets, Surroundings};
use crate::is_of_another;
use crate::sealed::Sealed;

/// The largest seal that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The beginning of the text of a seal, to find a renamed one.
const ARMOR: &[u8] = b"-----BEGIN PGP ";

/// The seals that have been read.
#[derive(Default)]
pub(crate) struct Seals {
    certs: Vec<Cert>,
    pub(crate) all: BTreeMap<SetId, Sealed>,
    /// Those that the archive directory has.
    kept: BTreeSet<SetId>,
    /// Sets whose upload has begun to name files, so that all of their files have arrived.
    arrived: BTreeSet<SetId>,
    /// The identities that seals of the archive directory name, whoever signed them.
    identities: BTreeMap<SetId, Identity>,
    /// Whether there is an archive directory with sets.
    has_archive: bool,
    /// Sets whose seal in the archive directory is none.
    pub(crate) damaged_here: BTreeSet<SetId>,
    /// The times of sets whose seal was read from the store, and is none.
    pub(crate) damaged_there: BTreeSet<SetTime>,
    /// The sets of which every file has the temporary name of an upload.
    pub(crate) hidden: HiddenSets,
}

impl Seals {
    pub(crate) fn new(certs: Vec<Cert>) -> Seals {
        Seals { certs, ..Seals::default() }
    }

    /// Whether a seal must be signed.
    pub(crate) fn are_demanded(&self) -> bool {
        !self.certs.is_empty()
    }

    /// The identity of the backup, as the newest seal of the archive directory has it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identities.values().next_back().copied()
    }

    /// Whether the archive directory has the seal of a set.
    pub(crate) fn is_kept(&self, set: SetId) -> bool {
        self.kept.contains(&set)
    }

    /// Whether a set was uploaded completely, even if some of its files have the names of an upload
    /// (again). An upload names the volumes first, then the seal, and the manifest last.
    pub(crate) fn has_arrived(&self, set: SetId) -> bool {
        self.kept.contains(&set) || self.arrived.contains(&set)
    }

    pub(crate) fn get(&self, set: SetId) -> Option<&Sealed> {
        self.all.get(&set)
    }

    /// Reads the seals of the archive directory. They are trusted, because nobody else writes
    /// there.
    pub(crate) fn of_archive(&mut self, folder: &Folder) -> Result<(), Failure> {
        for set in folder.collection()?.complete() {
            self.has_archive = true;
            let Some(name) = &set.seal else { continue };
            let path = folder.path(name);
            let bytes = fs::read(&path).or_fail(Status::Failed, shown(&path))?;
            let signed = Sealed::parse(name, &bytes, &self.certs);
            let identity = match &signed {
                Ok(sealed) => sealed.seal.identity,
                Err(_) => match read_seal(name, &bytes) {
                    Ok(seal) => seal.identity,
                    Err(_) => {
                        self.damaged_here.insert(set.id);
                        None
                    }
                },
            };
            self.identities.extend(identity.map(|identity| (set.id, identity)));
            if let Some(sealed) = signed.ok().filter(|sealed| sealed.seal.set == set.id) {
                self.kept.insert(set.id);
                self.all.insert(set.id, sealed);
            }
        }
        Ok(())
    }

    /// Reads the seals of the store that the archive directory does not have, and those among the
    /// strangers. A seal under the name of an upload may belong to a set that has not arrived.
    /// `base` is the time of a set that a coming one builds on.
    pub(crate) fn of_store(
        &mut self,
        store: &mut dyn Store,
        (collection, base): (&Collection, Option<SetTime>),
        sizes: &HashMap<String, u64>,
    ) -> Result<(), Failure> {
        for set in collection.sets() {
            let Some(name) = &set.seal else { continue };
            if !self.all.contains_key(&set.id) {
                self.read(store, name, name)?;
            }
            if self.all.contains_key(&set.id) {
                self.arrived.insert(set.id);
            }
        }
        self.arrived.extend(collection.complete().map(|set| set.id));
        let mut hidden = Vec::new();
        // By then it is known whose seals count.
        let (others, strangers): (Vec<_>, Vec<_>) =
            collection.strangers.iter().partition(|name| is_of_another(name));
        for name in strangers.into_iter().chain(others) {
            let uploaded = final_name(name).and_then(parse_seal);
            let small = sizes.get(name).is_some_and(|&size| size > 0 && size <= LARGEST);
            if !small || !looks_like_a_seal(store, name)? {
                continue;
            }
            let Some(sealed) = self.parse(store, name, name)? else { continue };
            if is_of_another(name) && !self.is_known(&sealed) {
                continue;
            }
            let set = sealed.seal.set;
            let arrived = self.arrived.contains(&set) || uploaded.is_none();
            if arrived || has_volumes(&sealed.seal, sizes) {
                self.arrived.insert(set);
                self.add(sealed);
            } else {
                hidden.push(sealed);
            }
        }
        self.of_hidden(hidden, (collection, base), sizes);
        Ok(())
    }

    /// Adds the seals of hidden sets that count.
    fn of_hidden(
        &mut self,
        mut hidden: Vec<Sealed>,
        (collection, base): (&Collection, Option<SetTime>),
        sizes: &HashMap<String, u64>,
    ) {
        hidden.retain(|sealed| !self.all.contains_key(&sealed.seal.set));
        let bases = self.all.keys().filter_map(|set| set.base).chain(base).collect();
        let complete = collection.complete().map(|set| set.id);
        let newest = complete.chain(self.all.keys().copied()).map(|set| set.time).max();
        let seals = self.all.values();
        let followed = seals.filter_map(|sealed| sealed.seal.previous.clone()).collect();
        // An archive directory with sets knows which ones were completed.
        let trusts_seals = self.are_demanded() && !self.has_archive;
        let around = Surroundings { collection, sizes, bases, followed, newest, trusts_seals };
        for sealed in self.hidden.decide(hidden, around) {
            self.arrived.insert(sealed.seal.set);
            self.add(sealed);
        }
    }

    /// Reads a seal of the store, if it is valid; the first one of a set counts.
    pub(crate) fn read(
        &mut self,
        store: &mut dyn Store,
        name: &str,
        there: &str,
    ) -> Result<(), Failure> {
        if let Some(sealed) = self.parse(store, name, there)? {
            self.add(sealed);
        }
        Ok(())
    }

    fn parse(
        &mut self,
        store: &mut dyn Store,
        name: &str,
        there: &str,
    ) -> Result<Option<Sealed>, Failure> {
        let bytes = bytes(store, there, LARGEST);
        let read = bytes.and_then(|bytes| {
            let sealed = Sealed::parse(name, &bytes, &self.certs);
            if sealed.is_err() && read_seal(name, &bytes).is_err() {
                self.damaged_there.extend(parse_seal(name));
            }
            sealed
        });
        match read {
            Ok(mut sealed) => {
                let its_own = parse_seal(there) == Some(sealed.seal.set.time);
                sealed.there = (!its_own).then(|| there.to_owned());
                Ok(Some(sealed))
            }
            Err(failure) if of_one_file(&failure) => {
                log::info!("{failure}");
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Whether a seal names the identity of this backup: another backup may lie behind a prefix.
    fn is_known(&self, sealed: &Sealed) -> bool {
        let read = self.all.values().filter_map(|sealed| sealed.seal.identity);
        let mut known = read.chain(self.identities.values().copied());
        sealed.seal.identity.is_some_and(|identity| known.any(|one| one == identity))
    }

    fn add(&mut self, sealed: Sealed) {
        self.all.entry(sealed.seal.set).or_insert(sealed);
    }

    /// The files that all seals name, and the seals that the archive directory has: the set, the
    /// name, the size if it is known, and the SHA-256 in hex.
    pub(crate) fn files(&self) -> impl Iterator<Item = Wanted<'_>> {
        let files = self.all.values().flat_map(|sealed| {
            let set = sealed.seal.set;
            sealed.seal.files.iter().map(move |file| Wanted::of(set, file))
        });
        let kept = self.kept.iter().filter_map(|set| self.all.get(set));
        files.chain(kept.map(|sealed| Wanted {
            set: sealed.seal.set,
            name: seal_name(sealed.seal.set.time),
            size: Some(sealed.size),
            sha256: &sealed.sha256,
        }))
    }
}

/// A file that there should be.
pub(crate) struct Wanted<'a> {
    pub(crate) set: SetId,
    pub(crate) name: String,
    pub(crate) size: Option<u64>,
    pub(crate) sha256: &'a str,
}

impl Wanted<'_> {
    fn of(set: SetId, file: &SealedFile) -> Wanted<'_> {
        Wanted { set, name: file.name.clone(), size: file.size, sha256: &file.sha256 }
    }
}

/// Whether all volumes that a seal lists have their names, and the sealed sizes.
fn has_volumes(seal: &Seal, sizes: &HashMap<String, u64>) -> bool {
    let is_volume = |file: &&SealedFile| {
        FileName::parse(&file.name).is_some_and(|name| matches!(name.kind, FileKind::Volume(_)))
    };
    let mut volumes = seal.files.iter().filter(is_volume).peekable();
    let any = volumes.peek().is_some();
    any && volumes.all(|file| sizes.get(&file.name).is_some_and(|size| file.size == Some(*size)))
}

/// The bytes of a file, as far as that limit.
fn bytes(store: &mut dyn Store, name: &str, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = store.open(name)?.take(limit).read_to_end(&mut bytes);
    read.or_fail(Status::Refused, name)?;
    Ok(bytes)
}

fn looks_like_a_seal(store: &mut dyn Store, name: &str) -> Result<bool, Failure> {
    match bytes(store, name, ARMOR.len() as u64) {
        Ok(start) => Ok(start == ARMOR),
        Err(failure) if of_one_file(&failure) => Ok(false),
        Err(failure) => Err(failure),
    }
}
