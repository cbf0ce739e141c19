//! From unfinished parts to a set of the archive.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::num::NonZero;

use archive::{
    Collection, FileKind, FileName, Manifest, SetId, SetTime, StoredSet, Wrapping, seal_name,
    volume_hashes, write_hashes,
};
use cli::lifeline;
use deflate::{Deflate, Effort, Format};
use failure::{Failure, OrFail, Status};
use local::Folder;
use openpgp::read_seal;
use stream::Receipt;

/// Signature tars are read back at each increment; little is gained by packing them harder.
const LEVEL: u8 = 1;

/// Turns the parts of `set` into files of the archive, the manifest last, if the store has all
/// that the manifest names.
pub(crate) fn finish(
    folder: &Folder,
    set: SetId,
    receipts: &[Receipt],
    jobs: NonZero<usize>,
) -> Result<(), Failure> {
    let stored = stored_set(set, receipts)?;
    let manifest = folder.path(&Folder::part_name(set, FileKind::Manifest));
    let volumes = volumes(&manifest)?;
    if let Some(missing) = volumes.iter().find(|number| !stored.volumes.contains_key(number)) {
        return Err(not_stored(&format!("volume {missing} of the {set}")));
    }
    pack(folder, set, FileKind::Signatures, jobs)?;
    if folder.path(&Folder::part_name(set, FileKind::Stats)).exists() {
        pack(folder, set, FileKind::Stats, jobs)?;
    }
    let by_name: HashMap<&str, &Receipt> =
        receipts.iter().map(|receipt| (receipt.stored.as_str(), receipt)).collect();
    let seal = by_name.get(seal_name(set.time).as_str());
    if let Some(seal) = seal.and_then(|receipt| receipt.seal.as_ref()) {
        put(folder, &seal_name(set.time), |to| {
            to.write_all(seal.as_bytes()).or_fail(Status::Failed, "seal")
        })?;
    }
    let checkpoints = checkpoints(seal)?;
    write(folder, set, FileKind::Manifest, Wrapping::Plain, |to| {
        fill_in(&manifest, hashes(&stored, &by_name, checkpoints)?, to)
    })?;
    clear(folder, |time| time <= set.time)
}

/// Makes a file of the archive of an unfinished one, compressed.
fn pack(folder: &Folder, set: SetId, kind: FileKind, jobs: NonZero<usize>) -> Result<(), Failure> {
    let unfinished = folder.path(&Folder::part_name(set, kind));
    write(folder, set, kind, Wrapping::Gzip, |to| {
        let mut from = open(&unfinished)?;
        Deflate::new(to, Format::Gzip, Effort { level: LEVEL, jobs })
            .and_then(|mut packed| io::copy(&mut from, &mut packed).map(|_| packed))
            .and_then(Deflate::finish)
            .map(drop)
            .or_fail(Status::Failed, failure::shown(&unfinished))
    })
}

/// Removes the unfinished files of those sets.
pub(crate) fn clear(folder: &Folder, sets: impl Fn(SetTime) -> bool) -> Result<(), Failure> {
    for name in folder.names()? {
        if unfinished(&name).is_some_and(&sets) {
            let path = folder.path(&name);
            lifeline::check();
            std::fs::remove_file(&path).or_fail(Status::Failed, failure::shown(&path))?;
        }
    }
    Ok(())
}

/// The time of the set that an unfinished file is of, from its name.
pub(crate) fn unfinished(name: &str) -> Option<SetTime> {
    let part = Folder::parse_part(name).map(|part| part.set.time);
    part.or_else(|| Folder::parse_journal(name))
}

/// What the receipts tell of the set.
fn stored_set(set: SetId, receipts: &[Receipt]) -> Result<StoredSet, Failure> {
    let names = receipts.iter().map(|receipt| receipt.stored.clone());
    let collection = Collection::of(names);
    let found = collection.complete().find(|stored| stored.id == set).cloned();
    let found = found.ok_or_else(|| not_stored(&format!("the manifest of the {set}")))?;
    if found.signatures.is_none() {
        return Err(not_stored(&format!("the signatures of the {set}")));
    }
    Ok(found)
}

fn not_stored(what: &str) -> Failure {
    Failure::new(Status::Integrity, format!("standard input: {what} has not been stored"))
}

/// The numbers of the volumes that the draft names.
fn volumes(manifest: &std::path::Path) -> Result<Vec<u64>, Failure> {
    let which = failure::shown(manifest);
    let parsed = Manifest::read(&mut open(manifest)?).or_fail(Status::Failed, &which)?;
    let parsed = parsed.or_fail(Status::Integrity, &which)?;
    Ok(parsed.volumes.iter().map(|volume| volume.number).collect())
}

/// The checkpoints of each volume that has any, by its name, from the seal: the stored manifest has them too, and
/// duplicity compares the two.
fn checkpoints(seal: Option<&&Receipt>) -> Result<HashMap<String, String>, Failure> {
    let text = seal.and_then(|seal| Some((seal.stored.as_str(), seal.seal.as_deref()?)));
    let Some((name, text)) = text else { return Ok(HashMap::new()) };
    let files = read_seal(name, text.as_bytes())?.files.into_iter();
    Ok(files.filter_map(|file| Some((file.name, file.checkpoints?))).collect())
}

/// The hashes of each volume, as manifests name them.
fn hashes(
    stored: &StoredSet,
    by_name: &HashMap<&str, &Receipt>,
    mut checkpoints: HashMap<String, String>,
) -> Result<BTreeMap<u64, Vec<(String, String)>>, Failure> {
    let mut hashes = BTreeMap::new();
    for (number, name) in &stored.volumes {
        let receipt = by_name.get(name.as_str());
        let Some((sha1, sha256)) = receipt.and_then(|r| r.sha1.clone().zip(r.sha256.clone()))
        else {
            let why = format!("standard input: {name}: comes without its hashes");
            return Err(Failure::new(Status::Integrity, why));
        };
        hashes.insert(*number, volume_hashes(sha1, sha256, checkpoints.remove(name)));
    }
    Ok(hashes)
}

fn fill_in(
    draft: &std::path::Path,
    hashes: BTreeMap<u64, Vec<(String, String)>>,
    to: &mut dyn Write,
) -> Result<(), Failure> {
    let which = failure::shown(draft);
    let mut from = BufReader::new(open(draft)?);
    let written = write_hashes(&mut from, hashes, to).or_fail(Status::Failed, &which)?;
    written.or_fail(Status::Integrity, &which)
}

fn write(
    folder: &Folder,
    set: SetId,
    kind: FileKind,
    wrapping: Wrapping,
    content: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    put(folder, &FileName { set, kind, wrapping, partial: false }.encode(), content)
}

/// Writes a file that is there as a whole or not at all, also after a crash.
fn put(
    folder: &Folder,
    name: &str,
    content: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let path = folder.path(name);
    let which = failure::shown(&path);
    let mut file = tempfile::Builder::new()
        .prefix(Folder::TEMPORARY)
        .tempfile_in(folder.path(""))
        .or_fail(Status::Failed, &which)?;
    let mut buffered = io::BufWriter::new(&mut file);
    content(&mut buffered)?;
    buffered.flush().or_fail(Status::Failed, &which)?;
    drop(buffered);
    file.as_file().sync_all().or_fail(Status::Failed, &which)?;
    lifeline::check();
    file.persist(&path).map_err(|e| e.error).or_fail(Status::Failed, &which)?;
    folder.sync()
}

fn open(path: &std::path::Path) -> Result<File, Failure> {
    File::open(path).or_fail(Status::Failed, failure::shown(path))
}
