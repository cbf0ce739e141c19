//! What a store holds, told in receipts, as if it had just been stored.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;

use archive::{SealedFile, SetTime, parse_seal};
use failure::{Failure, Reason};
use store::{Store, Stored};
use stream::{Begin, Output, Receipt, StreamKind, Totals};
use survey::Survey;

use crate::archive_directory::ArchiveDirectory;
use crate::{Fetch, sealed, strangers};

/// How many seals come, the newest aside: who adds many is not read to the end of them.
const MOST_SEALS: usize = 64;

/// Tells of each file. Where a set has a seal, its files come with their hashes.
/// Where files were renamed, each comes with the name that its seal gives it; and what passes for a
/// file of a set and is not it does not come.
pub(crate) fn tell(
    arguments: &Fetch,
    store: &mut dyn Store,
    receipts: &mut Output<File>,
) -> Result<Totals, Failure> {
    receipts.begin(&Begin::copy(StreamKind::Receipts, None))?;
    let files = match store.list() {
        // Nothing has been stored yet.
        Err(failure) if failure.reason() == Reason::NoSuchFile => Vec::new(),
        files => files?,
    };
    let archive = ArchiveDirectory::of(arguments)?;
    let folder = archive.as_ref().map(ArchiveDirectory::folder);
    let survey = Survey::of(store, &files, folder, &arguments.seal_certificates()?)?;
    strangers::warn(&arguments.url, &[], &survey);
    let files = survey.listing();
    let mut sealed = HashMap::new();
    let mut seals = HashMap::new();
    for (index, name) in telling(&files, archive.as_ref()).into_iter().enumerate() {
        let text = sealed::read(store, &name, survey.stored_name(&name))?;
        if index == 0 {
            sealed = hashes(&name, &text);
        }
        seals.insert(name, String::from_utf8_lossy(&text).into_owned());
    }
    for file in files {
        let known = sealed.get(&file.name);
        receipts.receipt(&Receipt {
            temporary: None,
            size: file.size,
            sha256: known.map(|known| known.sha256.clone()),
            sha1: known.and_then(|known| known.sha1.clone()),
            seal: seals.remove(&file.name),
            stored: file.name,
        })?;
    }
    Ok(Totals::default())
}

/// The seals that come as text: the newest one first, and, where there is an archive directory that
/// knows sets, the newest of those that it does not have, which tell what they were made after, and
/// the newest of those that it has, which tells whether they are the same sets: those of another
/// backup may bear the same times.
fn telling(files: &[Stored], archive: Option<&ArchiveDirectory>) -> Vec<String> {
    let mut times: Vec<_> = files.iter().filter_map(|file| parse_seal(&file.name)).collect();
    times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
    let sets = archive.into_iter().flat_map(|archive| archive.collection.complete());
    let known: BTreeSet<_> = sets.map(|set| set.id.time).collect();
    let unknown = |time: &&SetTime| !known.is_empty() && !known.contains(time);
    let others = times.iter().skip(1).filter(unknown).take(MOST_SEALS);
    let shared = times.iter().position(|time| known.contains(time)).filter(|at| *at > 0);
    let read = times.first().into_iter().chain(others).chain(shared.map(|at| &times[at]));
    read.map(|time| archive::seal_name(*time)).collect()
}

/// The hashes in a seal, whose signature nobody checks here. They complete the archive's copy of a
/// manifest whose run was interrupted. A restore of ours takes its hashes from the store's manifest;
/// duplicity, sharing the archive, takes them from that copy.
fn hashes(name: &str, seal: &[u8]) -> HashMap<String, SealedFile> {
    let files = openpgp::read_seal(name, seal).map(|seal| seal.files).unwrap_or_default();
    files.into_iter().map(|file| (file.name.clone(), file)).collect()
}
