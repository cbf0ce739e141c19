//! The parity files of a set, as far as they can be read.

use archive::{Seal, SetId, StoredSet, parse_parity, seal_name};
use failure::{Failure, OrFail, Status};
use parity::{Description, Protected, Recovery};
use store::Store;

use crate::content::of_one_file;
use crate::{Sealed, Survey};

/// The size of a parity file that is read in any case, however much of its set is lost.
const SMALL: u64 = 512 << 20;

/// A parity file.
pub struct ParityFile {
    /// Its name.
    pub name: String,
    /// What it says of its group, or `None` if no copy of that is left, or it is of another set.
    pub described: Option<Description>,
    /// Whether all of it is as it was made.
    pub intact: bool,
}

impl ParityFile {
    /// Reads all parity files of a set.
    ///
    /// None is larger than twice the set, and none speaks of more bytes: that bounds what a hostile
    /// store makes us read, and write into temporary files.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn of(
        set: &StoredSet,
        survey: &Survey,
        store: &mut dyn Store,
    ) -> Result<Vec<ParityFile>, Failure> {
        let sizes = set.files().filter(|name| parse_parity(name).is_none());
        let bytes = sizes.fold(0u64, |sum, name| sum.saturating_add(survey.size(name)));
        let mut files = Vec::new();
        for name in set.parity.values() {
            let most = bytes.saturating_mul(2).saturating_add(SMALL);
            let described = match survey.size(name) <= most {
                true => described(name, set.id, store)?,
                false => None,
            };
            let described = described.filter(|described| described.geometry.bytes() <= most);
            let intact = match &described {
                Some(described) => is_intact(name, described, store)?,
                None => false,
            };
            files.push(ParityFile { name: name.clone(), described, intact });
        }
        // Those with the most to give come first.
        files.sort_by_key(|file| !file.intact);
        Ok(files)
    }

    /// Whether another one is intact and has the parity of all its files, as far as it can be read.
    pub fn is_replaced(&self, others: &[ParityFile]) -> bool {
        let named = |file: &ParityFile| {
            let files = file.described.iter().flat_map(|described| described.files.clone());
            files.collect::<Vec<Protected>>()
        };
        let own = named(self);
        let has_own = |other: &ParityFile| {
            let files = named(other);
            other.intact && own.iter().all(|file| files.contains(file))
        };
        others.iter().any(has_own)
    }

    /// Whether its group has the files that the seal lists. Anybody can write parity of others.
    pub fn fits(&self, sealed: &Sealed) -> bool {
        let Some(described) = &self.described else { return false };
        described.files.iter().all(|file| is_sealed(file, sealed))
    }
}

fn is_sealed(file: &Protected, sealed: &Sealed) -> bool {
    let Seal { set, files, .. } = &sealed.seal;
    let hash: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    if file.name == seal_name(set.time) {
        return hash == sealed.sha256 && file.size == sealed.size;
    }
    let named = files.iter().find(|named| named.name == file.name);
    named.is_some_and(|named| {
        named.sha256 == hash && named.size.is_none_or(|size| size == file.size)
    })
}

fn described(
    name: &str,
    set: SetId,
    store: &mut dyn Store,
) -> Result<Option<Description>, Failure> {
    let found =
        store.open(name).and_then(|file| Description::find(file).or_fail(Status::Refused, name));
    let found = past(found)?.flatten();
    Ok(found.filter(|described| described.set == set))
}

fn is_intact(name: &str, described: &Description, store: &mut dyn Store) -> Result<bool, Failure> {
    let read = store.open(name).and_then(|file| {
        let mut recovery = Recovery::new(described, file);
        while recovery.next_shard().or_fail(Status::Refused, name)?.is_some() {}
        Ok(recovery.is_intact())
    });
    Ok(past(read)?.unwrap_or(false))
}

/// What was read of a file, or `None` if that failed for this file alone.
fn past<T>(read: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match read {
        Err(failure) if of_one_file(&failure) => {
            log::info!("{failure}");
            Ok(None)
        }
        read => read.map(Some),
    }
}
