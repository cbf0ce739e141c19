//! Which chains are whole. One that is not must not make a better one go.

use std::collections::BTreeSet;
use std::io::Read;

use archive::{FileKind, FileName, SealedFile, StoredSet};
use cli::shown;
use failure::{Failure, OrFail, Status};
use openpgp::read_seal;
use store::Store;

use crate::holdings::{Archive, Holdings};
use crate::line::Line;

/// The largest seal that is read.
const LARGEST: u64 = 64 << 20;

/// Looks through chains for what is missing. What the archive knows tells of each volume; what it
/// does not know could be anybody's, and does not count where there is an archive.
pub(crate) fn examine(
    lines: &mut [Line],
    holdings: &Holdings,
    store: &mut dyn Store,
) -> Result<(), Failure> {
    for line in lines.iter_mut().filter(|line| line.is_whole()) {
        for set in &line.sets {
            line.fault = fault(set, holdings, store)?;
            if line.fault.is_some() {
                break;
            }
        }
    }
    Ok(())
}

fn fault(
    set: &StoredSet,
    holdings: &Holdings,
    store: &mut dyn Store,
) -> Result<Option<String>, Failure> {
    if set.signatures.is_none() {
        return Ok(Some(format!("the {} has no signatures", shown::set(set.id))));
    }
    let known = holdings.known(set.id).filter(|known| known.manifest.is_some());
    let expected = match (known, &holdings.archive) {
        (Some(known), Some(archive)) => of_manifest(archive, known)?,
        (None, Some(archive)) if !archive.is_empty() => {
            return Ok(Some(format!(
                "the archive directory does not know the {}",
                shown::set(set.id)
            )));
        }
        _ => of_seal(set, holdings, store)?,
    };
    let missing = expected.into_iter().find(|number| !set.volumes.contains_key(number));
    Ok(missing.map(|number| format!("the {} has lost volume {number}", shown::set(set.id))))
}

/// The numbers of the volumes, as the archive's manifest has them.
fn of_manifest(archive: &Archive, known: &StoredSet) -> Result<BTreeSet<u64>, Failure> {
    let manifest = archive.folder.manifest(known)?;
    let volumes = manifest.map(|manifest| manifest.volumes).unwrap_or_default();
    Ok(volumes.into_iter().map(|volume| volume.number).collect())
}

/// The same as the seal has them, if there is one, and in any case those below the last that is
/// there. Whoever could forge a seal here could as well remove what he wants to be gone.
fn of_seal(
    set: &StoredSet,
    holdings: &Holdings,
    store: &mut dyn Store,
) -> Result<BTreeSet<u64>, Failure> {
    let last = set.volumes.keys().next_back().copied().unwrap_or(1);
    let files = match &set.seal {
        Some(name) => sealed_files(store, name, holdings.survey.stored_name(name))?,
        None => Vec::new(),
    };
    let names = files.iter().filter_map(|file| FileName::parse(&file.name));
    let volumes = names.filter_map(|name| match name.kind {
        FileKind::Volume(number) if name.set == set.id => Some(number),
        _ => None,
    });
    // A gap is found at its first number: no need to count to a hostile one.
    let gap = (1..=last).find(|number| !set.volumes.contains_key(number));
    Ok(volumes.chain(gap).collect())
}

/// The files that a seal names; none if it is damaged.
fn sealed_files(
    store: &mut dyn Store,
    name: &str,
    there: &str,
) -> Result<Vec<SealedFile>, Failure> {
    let mut text = Vec::new();
    let mut from = store.open(there)?.take(LARGEST);
    from.read_to_end(&mut text).or_fail(Status::Integrity, name)?;
    Ok(read_seal(name, &text).map(|seal| seal.files).unwrap_or_default())
}
