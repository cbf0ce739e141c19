//! What a store has under final names, for a copy that goes there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;

use archive::{FileKind, FileName, SetId, SetTime, parse_further, parse_seal, set_time};
use failure::{Failure, OrFail, Status};
use store::Store;
use stream::FilesInput;

use crate::arrival::Arrivals;
use crate::leftovers::There;

/// A place that one file can have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// One of a set, however it is wrapped and spelt.
    OfSet(SetId, FileKind),
    Other(String),
}

impl Place {
    fn of(name: &str) -> Place {
        match FileName::parse(name).filter(|_| !FileName::is_stranger(name)) {
            Some(FileName { set, kind, .. }) => Place::OfSet(set, kind),
            None => Place::Other(name.to_owned()),
        }
    }
}

/// The files that are there, by their places, with their names in the store.
pub(crate) struct Present {
    url: String,
    files: BTreeMap<Place, String>,
    /// Those of a set without a manifest that the store does not let us remove.
    fixed: BTreeSet<String>,
}

impl Present {
    pub(crate) fn new(url: &str, files: Vec<There>) -> Present {
        let files = files.into_iter().map(|file| (Place::of(&file.name), file.stored)).collect();
        Present { url: url.to_owned(), files, fixed: BTreeSet::new() }
    }

    /// Removes what is there of a set that is to come, if it has no manifest: a copy was
    /// interrupted while it named the files, and theirs may be other bytes than those to come.
    pub(crate) fn make_room(
        &mut self,
        time: SetTime,
        store: &mut dyn Store,
    ) -> Result<(), Failure> {
        self.fixed.clear();
        for (place, name) in self.in_part(time) {
            cli::lifeline::check();
            match store.remove(&name) {
                Ok(()) => {
                    log::info!("{name}: leftover of an interrupted run, deleted");
                    self.files.remove(&place);
                }
                Err(failure) if failure.status() == Status::Refused => {
                    self.fixed.insert(name);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// The files of the sets of that time that have no manifest.
    fn in_part(&self, time: SetTime) -> Vec<(Place, String)> {
        let whole = |set: &SetId| self.files.contains_key(&Place::OfSet(*set, FileKind::Manifest));
        let sealed = self.files.keys().any(|place| match place {
            Place::OfSet(set, _) => set.time == time && whole(set),
            Place::Other(_) => false,
        });
        let in_part = |place: &Place| match place {
            Place::OfSet(set, _) => set.time == time && !whole(set),
            Place::Other(name) => {
                parse_seal(name).or_else(|| parse_further(name)) == Some(time) && !sealed
            }
        };
        let files = self.files.iter().filter(|(place, _)| in_part(place));
        files.map(|(place, name)| (place.clone(), name.clone())).collect()
    }

    /// Whether a file need not be sent, since it is there.
    ///
    /// # Errors
    /// One that can't be removed is another than the one that the stream has come to.
    pub(crate) fn has(
        &self,
        name: &str,
        input: &mut FilesInput<File>,
        arrivals: &Arrivals,
    ) -> Result<bool, Failure> {
        let Some(there) = self.files.get(&Place::of(name)) else { return Ok(false) };
        if !self.fixed.contains(there) {
            return Ok(true);
        }
        let stored = arrivals.store().open(there)?;
        if is_same(stored, there, input)? { Ok(true) } else { Err(self.in_the_way(name)) }
    }

    fn in_the_way(&self, name: &str) -> Failure {
        let set = set_time(name).map(|time| time.to_string()).unwrap_or_default();
        let names: Vec<_> = self.fixed.iter().map(String::as_str).collect();
        let why = format!("another copy of the set of {set} was interrupted, and left");
        let hint = "which the store does not let us remove";
        let message = format!("{}: {why} {} ({hint})", self.url, names.join(", "));
        Failure::new(Status::Refused, message)
    }
}

/// Whether a stored file has the bytes that the stream has come to.
fn is_same(
    mut stored: impl Read,
    name: &str,
    input: &mut FilesInput<File>,
) -> Result<bool, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = input.chunk()? {
        bytes.clear();
        let read = stored.by_ref().take(chunk.len() as u64).read_to_end(&mut bytes);
        read.or_fail(Status::Refused, name)?;
        if bytes != chunk {
            return Ok(false);
        }
    }
    let more = stored.take(1).read_to_end(&mut bytes).or_fail(Status::Refused, name)?;
    Ok(more == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "20261122T201500Z";

    fn in_part(names: &[&str]) -> Vec<String> {
        let names = names.iter().map(|name| There::new(name.replace('@', TIME))).collect();
        let present = Present::new("file:///x", names);
        let files = present.in_part(TIME.parse().unwrap()).into_iter();
        files.map(|(_, name)| name.replace(TIME, "@")).collect()
    }

    #[test]
    fn room_is_made_only_of_what_has_no_manifest() {
        let set = ["duplicity-full.@.vol1.difftar.gpg", "moobacker.@.parity.1", "moobacker.@.seal"];
        assert_eq!(in_part(&set), set);
        assert!(in_part(&[set[0], set[1], set[2], "duplicity-full.@.manifest"]).is_empty());
        assert!(in_part(&["duplicity-full.20200101T000000Z.vol1.difftar.gpg", "mine"]).is_empty());
        assert!(in_part(&["duplicity-full.@.vol1.difftar.gpg.par2"]).is_empty());
    }

    #[test]
    fn of_two_sets_of_one_time_the_whole_one_keeps_its_seal() {
        let inc = "duplicity-inc.20200101T000000Z.to.@.vol1.difftar.gz";
        assert_eq!(in_part(&["duplicity-full.@.manifest", inc, "moobacker.@.seal"]), [inc]);
    }
}
