//! Entries into volumes.

use std::fs::File;

use archive::{FileKind, FileName, Part, SetId, Wrapping};
use failure::{Failure, Reason, Status};
use local::{PackedVolume, StartedFile};
use stream::{Entry, Output, SetHeader, TreeInput};

use crate::draft::Draft;
use crate::progress::Progress;
use crate::signatures::SignatureTar;
use crate::spool::{Spool, Spools};
use crate::volume::Volume;

/// A set that is being packed.
pub(crate) struct Packer {
    set: SetId,
    /// Bytes in a volume.
    most: u64,
    /// The number of the last volume.
    number: u64,
    signatures: SignatureTar,
    draft: Draft,
    progress: Progress,
    delta_bytes: u64,
}

impl Packer {
    /// One that goes on behind the volumes that are `stored`, if some are.
    pub(crate) fn new(
        head: &SetHeader,
        most: u64,
        spools: &Spools,
        progress: Progress,
        stored: Option<&PackedVolume>,
    ) -> Result<Packer, Failure> {
        Ok(Packer {
            set: head.id(),
            most,
            number: stored.map_or(0, |stored| stored.volume),
            signatures: SignatureTar::new(spools, stored.map_or(0, |stored| stored.signatures))?,
            draft: Draft::new(head, spools, stored)?,
            progress,
            delta_bytes: stored.map_or(0, |stored| stored.delta_bytes),
        })
    }

    /// Drops the pieces of the file that the last stored volume ends in, which must be the same
    /// again, and returns the first entry behind them.
    pub(crate) fn pass_over(
        &mut self,
        stored: &PackedVolume,
        input: &mut TreeInput<File>,
    ) -> Result<Option<Entry>, Failure> {
        if let Some(started) = &stored.started {
            self.pieces(stored, started, input)?;
        }
        let next = input.advance()?;
        let behind = |entry: &Entry| match &stored.started {
            Some(_) => entry.name.path >= stored.last,
            None => entry.name.path > stored.last,
        };
        if next.as_ref().is_none_or(behind) { Ok(next) } else { Err(differs(stored)) }
    }

    fn pieces(
        &mut self,
        stored: &PackedVolume,
        started: &StartedFile,
        input: &mut TreeInput<File>,
    ) -> Result<(), Failure> {
        for piece in 1..=started.pieces {
            let entry = input.advance()?.ok_or_else(|| differs(stored))?;
            let due = entry.name.path == stored.last && entry.name.piece == Some(piece);
            if !due || !entry.goes_on() {
                return Err(differs(stored));
            }
            self.progress.entry(&entry, 0);
        }
        if self.progress.agrees(started) { Ok(()) } else { Err(differs(stored)) }
    }

    /// Packs all entries from `next` on.
    pub(crate) fn volumes(
        &mut self,
        mut next: Option<Entry>,
        input: &mut TreeInput<File>,
        output: &mut Output<File>,
    ) -> Result<(), Failure> {
        // A set without any entry is one volume without any.
        while self.number == 0 || next.is_some() {
            self.number += 1;
            let mut volume = Volume::start(output, &self.name(FileKind::Volume(self.number)));
            next = self.fill(&mut volume, next, input)?;
            let (start, end) = volume.close()?;
            self.draft.volume(self.number, (start, end.clone()))?;
            if self.progress.is_kept() {
                let packed = self.packed(end.path.clone())?;
                self.progress.volume(packed, &end)?;
            }
        }
        Ok(())
    }

    /// How far the set is, once the files that wait are safe against a crash.
    fn packed(&mut self, last: archive::TreePath) -> Result<PackedVolume, Failure> {
        let (manifest, files) = self.draft.sync()?;
        Ok(PackedVolume {
            volume: self.number,
            last,
            closed: None,
            signatures: self.signatures.sync()?,
            manifest,
            files,
            count: self.draft.count(),
            delta_bytes: self.delta_bytes,
            started: None,
        })
    }

    /// Fills a volume, and returns the entry that starts the next one.
    fn fill(
        &mut self,
        volume: &mut Volume<'_>,
        mut next: Option<Entry>,
        input: &mut TreeInput<File>,
    ) -> Result<Option<Entry>, Failure> {
        while let Some(entry) = next {
            let packed = entry.name.part != Part::Signature;
            if packed && !volume.has_room(&entry, self.most) {
                return Ok(Some(entry));
            }
            self.signatures.entry(&entry)?;
            if packed {
                self.draft.entry(&entry)?;
                self.progress.entry(&entry, volume.room(self.most));
                self.delta_bytes += entry.body.len() as u64;
                volume.append(entry)?;
            }
            next = input.advance()?;
        }
        Ok(None)
    }

    /// Bytes of content and deltas.
    pub(crate) fn delta_bytes(&self) -> u64 {
        self.delta_bytes
    }

    /// Sends signatures, statistics if there are some, and the manifest behind the volumes.
    pub(crate) fn finish(
        self,
        stats: Option<Spool>,
        output: &mut Output<File>,
    ) -> Result<(), Failure> {
        let (signatures, manifest) =
            (self.name(FileKind::Signatures), self.name(FileKind::Manifest));
        let statistics = self.name(FileKind::Stats);
        self.signatures.finish()?.send(output, &signatures)?;
        if let Some(stats) = stats {
            stats.send(output, &statistics)?;
        }
        self.draft.finish()?.send(output, &manifest)
    }

    fn name(&self, kind: FileKind) -> String {
        FileName { set: self.set, kind, wrapping: Wrapping::Plain, partial: false }.encode()
    }
}

fn differs(stored: &PackedVolume) -> Failure {
    let why = "differs from what the interrupted run has stored (the next run makes a new set)";
    Failure::of(Status::Integrity, &stored.last, why).because(Reason::CannotResume)
}
