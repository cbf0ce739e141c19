//! The hashes of stored files.

use std::collections::{BTreeMap, HashSet};

use archive::{Collection, SealedFile, SetId, StoredSet, hash_named};
use failure::Failure;
use local::Folder;
use progress::Files;
use sha1::Sha1;
use sha2::Sha256;
use store::Store;
use survey::{Survey, digest, of_one_file};

use crate::findings::Findings;
use crate::seals::Sealed;

/// A file whose hash is known.
pub(crate) struct Due {
    pub(crate) name: String,
    /// Whether a restore reads it.
    pub(crate) is_restored: bool,
    hash: Hash,
    /// Its size in bytes, where a seal tells it.
    size: Option<u64>,
}

/// A hash in lower-case hex.
enum Hash {
    /// As a seal tells it.
    Sha256(String),
    /// As duplicity's manifest tells it.
    Sha1(String),
}

/// The files of the store whose hashes are known: the seals tell, and of other sets the archive's
/// manifests, but only of volumes.
pub(crate) fn hashes(
    (collection, known): (&Collection, &Collection),
    folder: Option<&Folder>,
    sealed: &BTreeMap<SetId, Sealed>,
    findings: &mut Findings,
) -> Result<Vec<Due>, Failure> {
    let mut all = Vec::new();
    let chained: HashSet<SetId> =
        collection.chains.iter().flat_map(|chain| &chain.sets).map(|set| set.id).collect();
    for set in collection.sets() {
        let mut due = match (sealed.get(&set.id), folder) {
            (Some(sealed), _) => of_seal(set, sealed),
            (None, Some(folder)) => of_manifest(set, known, folder, findings)?,
            (None, None) => Vec::new(),
        };
        let signatures = set.signatures.as_deref();
        for due in &mut due {
            due.is_restored = chained.contains(&set.id) && Some(due.name.as_str()) != signatures;
        }
        all.append(&mut due);
    }
    Ok(all)
}

fn of_seal(set: &StoredSet, sealed: &Sealed) -> Vec<Due> {
    let there: HashSet<&str> = set.files().collect();
    let there = sealed.files.iter().filter(|file| there.contains(file.name.as_str()));
    let due = |file: &SealedFile| {
        let hash = Hash::Sha256(file.sha256.clone());
        Due { size: file.size, ..Due::new(&file.name, hash) }
    };
    there.map(due).collect()
}

fn of_manifest(
    set: &StoredSet,
    known: &Collection,
    folder: &Folder,
    findings: &mut Findings,
) -> Result<Vec<Due>, Failure> {
    let known = known.complete().find(|known| known.id == set.id);
    let manifest = known.map(|known| folder.manifest(known)).transpose()?.flatten();
    let last = set.volumes.keys().next_back().copied().unwrap_or(0);
    let mut due = Vec::new();
    for volume in manifest.iter().flat_map(|manifest| &manifest.volumes) {
        match (set.volumes.get(&volume.number), hash(&volume.hashes)) {
            (Some(name), Some(hash)) => due.push(Due::new(name, hash)),
            // Gaps before the last one are noticed without the archive.
            (None, _) if volume.number > last => {
                let why = format!("volume {} is missing", volume.number);
                findings.wrong(format!("the {}", set.id), why);
            }
            _ => {}
        }
    }
    Ok(due)
}

/// The best of the hashes that a manifest has.
fn hash(hashes: &[(String, String)]) -> Option<Hash> {
    match (hash_named(hashes, "SHA256"), hash_named(hashes, "SHA1")) {
        (Some(hash), _) => Some(Hash::Sha256(hash.to_ascii_lowercase())),
        (None, hash) => hash.map(|hash| Hash::Sha1(hash.to_ascii_lowercase())),
    }
}

impl Due {
    fn new(name: &str, hash: Hash) -> Due {
        Due { name: name.to_owned(), is_restored: false, hash, size: None }
    }
}

/// Reads files, and compares their hashes.
pub(crate) fn check(
    (store, survey): (&mut dyn Store, &Survey),
    files: impl Iterator<Item = Due>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let files: Vec<Due> = files.collect();
    let mut report = Files::start(files.iter().map(|due| survey.size(&due.name)));
    for Due { name, hash, size, .. } in files {
        report.next(&name, survey.size(&name));
        let found = survey.open(store, &name).and_then(|file| {
            let file = match size {
                Some(size) => store::no_longer_than(size, "its seal says", &name, file),
                None => file,
            };
            let mut file = report.count(file);
            match &hash {
                Hash::Sha256(_) => digest::<Sha256>(&name, &mut file),
                Hash::Sha1(_) => digest::<Sha1>(&name, &mut file),
            }
        });
        let (Hash::Sha256(told) | Hash::Sha1(told)) = &hash;
        match found {
            Ok(found) if found == *told => log::info!("{name}: intact"),
            Ok(_) => findings.wrong(&name, "its hash differs from that in the seal"),
            // One file that is refused says nothing of the others.
            Err(failure) if of_one_file(&failure) => {
                findings.wrong(&name, failure.beside(&name));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}
