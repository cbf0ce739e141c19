//! What the seal of a set tells of its files. Nobody checks here who has signed it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Cursor, Read};

use archive::{Identity, Seal, StoredSet, parse_parity, parse_seal};
use failure::{Failure, OrFail, Reason, Status};
use openpgp::read_seal;
use store::Store;
use survey::Survey;

/// The largest seal that is read.
const LARGEST: u64 = 64 << 20;

/// The hashes of a set's files.
pub(crate) struct Sealed {
    /// The name of the seal and its text; none where the set has none.
    pub(crate) seal: Option<(String, Vec<u8>)>,
    /// The identity of its backup, if the seal names one.
    pub(crate) identity: Option<Identity>,
    hashes: BTreeMap<String, String>,
    sizes: HashMap<String, u64>,
}

impl Sealed {
    /// Reads the seal of a set, if it has one.
    pub(crate) fn read(
        store: &mut dyn Store,
        survey: &Survey,
        set: &StoredSet,
    ) -> Result<Sealed, Failure> {
        let Some(name) = &set.seal else {
            let (hashes, sizes) = Default::default();
            return Ok(Sealed { seal: None, identity: None, hashes, sizes });
        };
        let text = read(store, name, survey.stored_name(name))?;
        let seal = read_seal(name, &text)?;
        if seal.set != set.id {
            return Err(broken(name, &format!("is the seal of the {}", seal.set)));
        }
        let identity = seal.identity;
        let sizes = sizes(&seal);
        let hashes = seal.files.into_iter().map(|file| (file.name, file.sha256)).collect();
        Ok(Sealed { seal: Some((name.clone(), text)), identity, hashes, sizes })
    }

    /// Checks that no file of the set is missing. Where there is no seal, only the numbers of the
    /// volumes tell.
    pub(crate) fn check_names(&self, set: &StoredSet) -> Result<(), Failure> {
        let there: BTreeSet<&str> = set.files().collect();
        if let Some(name) = self.hashes.keys().find(|name| !there.contains(name.as_str())) {
            return Err(broken(name, "is not there, but the seal names it"));
        }
        match (1..).zip(set.volumes.keys()).find(|(due, number)| due != *number) {
            Some((due, _)) => {
                Err(broken(&format!("the {}", set.id), &format!("volume {due} is missing")))
            }
            None => Ok(()),
        }
    }

    /// Whether the set has a seal that does not name a file, which is not the seal itself. Parity
    /// is never sealed.
    pub(crate) fn is_foreign(&self, name: &str) -> bool {
        let is_sealed = self.seal.as_ref().is_some_and(|(seal, _)| seal != name);
        is_sealed && !self.hashes.contains_key(name) && parse_parity(name).is_none()
    }

    /// Opens a file of the set, which is read no further than its seal says.
    pub(crate) fn open(
        &self,
        store: &mut dyn Store,
        survey: &Survey,
        name: &str,
    ) -> Result<Content, Failure> {
        let content = survey.open(store, name).map_err(|failure| missing(name, failure))?;
        Ok(bounded(name, content, self.sizes.get(name)))
    }

    /// Checks the hash of a file.
    pub(crate) fn check(&self, name: &str, sha256: &str) -> Result<(), Failure> {
        match self.hashes.get(name) {
            Some(hash) if hash != sha256 => {
                Err(broken(name, "its hash differs from that in the seal"))
            }
            None if self.is_foreign(name) => Err(broken(name, "the seal does not name it")),
            _ => Ok(()),
        }
    }
}

/// What a file of a store holds.
type Content = Box<dyn Read + Send + Sync>;

fn sizes(seal: &Seal) -> HashMap<String, u64> {
    seal.files.iter().filter_map(|file| Some((file.name.clone(), file.size?))).collect()
}

fn bounded(name: &str, content: Content, size: Option<&u64>) -> Content {
    match size {
        Some(size) => store::no_longer_than(*size, "its seal says", name, content),
        None => content,
    }
}

/// Files that come after the seal of their set, and are read no further than it says. Nobody checks here
/// who has signed it: whoever gives a file another size than the right one has spoilt it.
pub(crate) struct Reader<'a> {
    store: &'a mut dyn Store,
    sizes: HashMap<String, u64>,
}

impl Reader<'_> {
    pub(crate) fn new(store: &mut dyn Store) -> Reader<'_> {
        Reader { store, sizes: HashMap::new() }
    }

    /// Opens the file of a set that has another name in the store.
    pub(crate) fn open(&mut self, name: &str, there: &str) -> Result<Content, Failure> {
        if parse_seal(name).is_none() {
            let content = self.store.open(there).map_err(|failure| missing(name, failure))?;
            return Ok(bounded(name, content, self.sizes.get(name)));
        }
        let text = read(self.store, name, there)?;
        self.sizes = read_seal(name, &text).map(|seal| sizes(&seal)).unwrap_or_default();
        Ok(Box::new(Cursor::new(text)))
    }
}

/// The bytes of a seal.
pub(crate) fn read(store: &mut dyn Store, name: &str, there: &str) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = store.open(there)?.take(LARGEST).read_to_end(&mut text);
    read.or_fail(Status::Refused, name)?;
    Ok(text)
}

/// A file of a set that is not there, though its set was stored as a whole.
fn missing(name: &str, failure: Failure) -> Failure {
    match failure.reason() {
        Reason::NoSuchFile => broken(name, "is missing"),
        _ => failure,
    }
}

fn broken(which: &str, why: &str) -> Failure {
    Failure::of(Status::Integrity, which, why)
}
