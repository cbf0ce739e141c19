//! A run that was interrupted, as far as the archive knows it.

use std::fs;

use archive::{FileKind, FileName};
use failure::Failure;
use stream::{Packed, Receipt, Resume, SetHead};

use crate::journal::{self, ARRIVED, PACKED};
use crate::{Folder, Journal};

/// With more volumes than this no run is resumed: the list of them travels in `begin.json`.
const MOST_VOLUMES: usize = 100_000;

/// A set that was begun, and the volumes of it that have been packed and have arrived.
#[derive(Clone, Debug)]
pub struct Interrupted {
    /// The set.
    pub head: SetHead,
    /// The state at the end of each volume, from the first one on.
    pub packed: Vec<Packed>,
    /// The receipts of these volumes.
    pub arrived: Vec<Receipt>,
}

impl Interrupted {
    /// The newest one that has a volume.
    pub fn find(folder: &Folder) -> Result<Option<Interrupted>, Failure> {
        let names = folder.names()?;
        let Some(time) = names.iter().filter_map(|name| Folder::parse_journal(name)).max() else {
            return Ok(None);
        };
        let Some((head, packed)) = journal::read::<Packed>(folder, time, PACKED)? else {
            return Ok(None);
        };
        let Some((sent, arrived)) = journal::read::<Receipt>(folder, time, ARRIVED)? else {
            return Ok(None);
        };
        if head.id() != sent.id() {
            return Ok(None);
        }
        let head = SetHead { key: sent.key, ..head };
        let arrived = in_order(&head, arrived);
        let mut found = Interrupted { head, packed, arrived };
        found.keep(found.whole_volumes(folder).min(MOST_VOLUMES));
        Ok((!found.packed.is_empty()).then_some(found))
    }

    /// Forgets all volumes but so many.
    pub fn keep(&mut self, volumes: usize) {
        self.packed.truncate(volumes);
        self.arrived.truncate(volumes);
    }

    /// Truncates the journal of receipts to these volumes, before another volume is packed in place
    /// of a stored one.
    pub fn save(&self, folder: &Folder) -> Result<(), Failure> {
        Journal::start(folder, &self.head, ARRIVED, &self.arrived).map(drop)
    }

    /// The set for a run that resumes it.
    pub fn resumed(&self) -> SetHead {
        let resume = Resume { volumes: self.arrived.clone(), key: self.head.key.clone() };
        SetHead { key: None, resume: Some(resume), ..self.head.clone() }
    }

    /// How many volumes both journals know, and the unfinished files are long enough for.
    fn whole_volumes(&self, folder: &Folder) -> usize {
        let id = self.head.id();
        let part = |kind| length(folder, &Folder::part_name(id, kind));
        let (signatures, manifest) = (part(FileKind::Signatures), part(FileKind::Manifest));
        let files = length(folder, &Folder::journal_name(id.time, Folder::FILES));
        let lines = self.packed.iter().zip(&self.arrived).zip(1..);
        let whole = lines.take_while(|((packed, _), number)| {
            packed.volume == *number
                && packed.signatures <= signatures
                && packed.manifest <= manifest
                && packed.files <= files
        });
        whole.count()
    }
}

/// The volumes of the set among the receipts, from the first one on. Of two receipts for one
/// volume, the later counts.
fn in_order(head: &SetHead, receipts: Vec<Receipt>) -> Vec<Receipt> {
    let number = |receipt: &Receipt| match FileName::parse(&receipt.stored)? {
        FileName { set, kind: FileKind::Volume(number), .. } if set == head.id() => Some(number),
        _ => None,
    };
    let known = receipts.into_iter().filter_map(|receipt| Some((number(&receipt)?, receipt)));
    let mut known: std::collections::BTreeMap<u64, Receipt> = known.collect();
    (1..).map_while(|number| known.remove(&number)).collect()
}

fn length(folder: &Folder, name: &str) -> u64 {
    fs::metadata(folder.path(name)).map_or(0, |facts| facts.len())
}
