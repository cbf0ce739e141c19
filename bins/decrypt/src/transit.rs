//! One file after another, from the stream that comes to the stream that goes.

use std::fs::File;
use std::io;
use std::sync::Arc;

use archive::{FileKind, FileName, SetId, Wrapping, parse_parity, parse_seal};
use failure::Failure;
use stream::{Annotations, FileWriter, Output, Scope};

use crate::ahead::Incoming;
use crate::gaps::{Gap, Missing};
use crate::hold::{Hashed, Held};
use crate::losses::Losses;
use crate::manifest::Reader;
use crate::pieces::Pieces;
use crate::protection::Protection;
use crate::sets::{Admission, Sets};
use crate::unwrap::Unwrap;

/// Checks files, and hands them on in plain text.
pub(crate) struct Transit<'a> {
    pub(crate) sets: Sets,
    pub(crate) unwrap: Arc<Unwrap>,
    pub(crate) losses: Losses,
    pub(crate) protection: Protection,
    pub(crate) output: &'a mut Output<File>,
}

impl Transit<'_> {
    /// Takes the next file.
    pub(crate) fn file(&mut self, stored: &str, file: Incoming) -> Result<(), Failure> {
        match file {
            Incoming::Held(held) => self.held(stored, held),
            Incoming::Pieces(pieces) => self.checked(stored, pieces),
        }
    }

    /// Hands on a volume while it comes, in pieces that have been checked.
    fn checked(&mut self, stored: &str, mut pieces: Pieces) -> Result<(), Failure> {
        let Some(name) = FileName::parse(stored) else { return pieces.finish() };
        let admitted = self.sets.admit(stored, &name, &mut pieces)?;
        self.sets.belonging.check()?;
        if !matches!(admitted, Admission::Whole) {
            return pieces.finish();
        }
        self.protection.check(stored, name.wrapping)?;
        let plain = FileName { wrapping: Wrapping::Plain, ..name }.encode();
        let mut writer = FileWriter::new(self.output, &plain);
        self.unwrap.open(stored, name.wrapping, &mut pieces, &mut writer)?;
        pieces.finish()?;
        writer.close(Annotations::default())
    }

    fn held(&mut self, stored: &str, mut held: Held) -> Result<(), Failure> {
        if parse_seal(stored).is_some() {
            return self.seal(stored, held);
        }
        if parse_parity(stored).is_some() {
            log::debug!("{stored}: parity, which no plain file has");
            return Ok(());
        }
        let Some(name) = FileName::parse(stored) else {
            log::warn!("{stored}: not a file of a backup, skipped");
            return Ok(());
        };
        self.gaps(Some(&name))?;
        if held.is_lost() {
            return self.lose(&name);
        }
        let admitted = self.sets.admit(stored, &name, &mut held);
        self.sets.belonging.check()?;
        match self.losses.past(admitted)? {
            None => self.lose(&name),
            Some(Admission::Whole) => self.open(stored, &name, held),
            Some(Admission::AgainstSeal(why)) => {
                self.losses.past::<()>(Err(why))?;
                self.open(stored, &name, held)
            }
            Some(Admission::PassedOver) => Ok(()),
        }
    }

    /// Checks that nothing is missing, or says what is. Returns how many files were lost.
    pub(crate) fn finish(mut self) -> Result<u64, Failure> {
        self.gaps(None)?;
        self.sets.finish()?;
        self.losses.finish()
    }

    /// Seals stay as they are: they are signed as they are.
    fn seal(&mut self, name: &str, mut held: Held) -> Result<(), Failure> {
        if held.is_lost() {
            self.sets.lose_seal();
            return Ok(());
        }
        let text = held.bytes()?;
        let taken = self.sets.seal(name, &text, held.sha256());
        if self.losses.past(taken)?.is_none() {
            self.sets.lose_seal();
            return Ok(());
        }
        let mut writer = FileWriter::new(self.output, name);
        held.copy_to(&mut writer)?;
        writer.close(Annotations::default())
    }

    /// Decrypts a file that has been admitted.
    fn open(&mut self, stored: &str, name: &FileName, mut held: Held) -> Result<(), Failure> {
        let protected = self.protection.check(stored, name.wrapping);
        if self.losses.past(protected)?.is_none() {
            return self.lose(name);
        }
        if self.losses.keep_going() {
            // What can't be opened to its end is not to be in the stream, not even its beginning.
            let tried = self.unwrap.open(stored, name.wrapping, &mut held, &mut io::sink());
            if self.losses.past(tried)?.is_none() {
                return self.lose(name);
            }
            self.losses.opened();
            held.rewind()?;
        }
        let plain = FileName { wrapping: Wrapping::Plain, ..*name }.encode();
        if name.kind == FileKind::Manifest {
            return self.manifest(stored, name, &plain, held);
        }
        let is_checked = self.is_checked() || self.sets.vouch_for(name);
        let mut writer = FileWriter::new(self.output, &plain);
        self.unwrap.open_checked(is_checked, stored, name.wrapping, &mut held, &mut writer)?;
        writer.close(Annotations::default())
    }

    /// Whether a file that has been admitted need not be decrypted once before any of its plaintext leaves:
    /// a signature covers its hash, or it has been tried already.
    fn is_checked(&self) -> bool {
        self.losses.keep_going() || self.sets.are_signed()
    }

    /// A manifest is read on its way, but used only when all of it has been checked.
    fn manifest(
        &mut self,
        stored: &str,
        name: &FileName,
        plain: &str,
        mut held: Held,
    ) -> Result<(), Failure> {
        let is_checked = self.is_checked();
        let mut reader = Reader::new(stored, held.len(), FileWriter::new(self.output, plain));
        let opened =
            self.unwrap.open_checked(is_checked, stored, name.wrapping, &mut held, &mut reader);
        let (writer, read) = reader.finish(opened);
        if let Some(manifest) = self.losses.past(read)? {
            self.sets.belonging.manifest(name.set, &manifest)?;
            let vouches = name.wrapping == Wrapping::OpenPgp && !self.protection.waived;
            self.sets.manifest(name.set, manifest, vouches);
            return writer.close(Annotations::default());
        }
        writer.lose(Scope::Rest)?;
        self.lose(name)
    }

    /// Goes on without a file.
    fn lose(&mut self, name: &FileName) -> Result<(), Failure> {
        match name.kind {
            FileKind::Volume(number) => self.lose_volume(name.set, number),
            FileKind::Manifest => {
                self.sets.lose_manifest(name.set);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn lose_volume(&mut self, set: SetId, number: u64) -> Result<(), Failure> {
        let Some(scope) = self.sets.lose_volume(set, number) else {
            return Ok(());
        };
        let kind = FileKind::Volume(number);
        let name = FileName { set, kind, wrapping: Wrapping::Plain, partial: false };
        FileWriter::new(self.output, &name.encode()).lose(scope)
    }

    /// Says what should have come before a file, or before the end, and has not.
    fn gaps(&mut self, next: Option<&FileName>) -> Result<(), Failure> {
        if !self.losses.keep_going() {
            return Ok(());
        }
        while let Some(Gap { set, what, why }) = self.sets.gap(next) {
            if let Some(why) = why {
                self.losses.past::<()>(Err(why))?;
            }
            match what {
                Missing::Link => {}
                Missing::Manifest => self.sets.lose_manifest(set),
                Missing::Volume(number) => self.lose_volume(set, number)?,
            }
        }
        Ok(())
    }
}
