//! The manifest as far as it is known here: the hashes come when the volumes are sealed.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};

use archive::{
    Change, EntryPosition, FileKind, Part, VolumeRange, encode_header, filelist_header,
    filelist_line,
};
use failure::{Failure, OrFail, Status};
use local::PackedVolume;
use stream::member::Kind;
use stream::{Entry, SetHeader};

use crate::spool::{Spool, Spools};

/// A manifest that is being written.
pub(crate) struct Draft {
    text: BufWriter<File>,
    spool: Spool,
    /// The list of files, which comes last and starts with its length.
    files: BufWriter<File>,
    list: Spool,
    count: u64,
}

impl Draft {
    /// One that goes on where the volumes that are `stored` end, if some are.
    pub(crate) fn new(
        head: &SetHeader,
        spools: &Spools,
        stored: Option<&PackedVolume>,
    ) -> Result<Draft, Failure> {
        let spool = spools.open(FileKind::Manifest, stored.map_or(0, |stored| stored.manifest))?;
        let list = spools.open_list(stored.map_or(0, |stored| stored.files))?;
        let mut text = BufWriter::new(spool.file()?);
        if stored.is_none() {
            let header = encode_header(&head.host, &head.source);
            text.write_all(&header).or_fail(Status::Failed, spool.name())?;
        }
        let files = BufWriter::new(list.file()?);
        Ok(Draft { text, spool, files, list, count: stored.map_or(0, |stored| stored.count) })
    }

    /// Makes what was written so far safe against a crash. Returns the length of the text, and of
    /// the list of files.
    pub(crate) fn sync(&mut self) -> Result<(u64, u64), Failure> {
        self.text.flush().or_fail(Status::Failed, self.spool.name())?;
        self.files.flush().or_fail(Status::Failed, self.list.name())?;
        Ok((self.spool.sync()?, self.list.sync()?))
    }

    /// How many files are listed.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Takes the places of a volume's first and last entry.
    pub(crate) fn volume(
        &mut self,
        number: u64,
        (start, end): (EntryPosition, EntryPosition),
    ) -> Result<(), Failure> {
        let range = VolumeRange { number, start, end, hashes: Vec::new() };
        self.text.write_all(&range.encode()).or_fail(Status::Failed, self.spool.name())
    }

    /// Lists a file.
    pub(crate) fn entry(&mut self, entry: &Entry) -> Result<(), Failure> {
        let change = match entry.name.part {
            Part::Deleted => Change::Deleted,
            Part::Diff => Change::Changed,
            _ => Change::New,
        };
        let first = entry.name.piece.is_none_or(|piece| piece == 1);
        if entry.member.kind != Kind::File || !first {
            return Ok(());
        }
        self.count += 1;
        let line = filelist_line(change, &entry.name.path);
        self.files.write_all(&line).or_fail(Status::Failed, self.list.name())
    }

    /// The whole draft.
    pub(crate) fn finish(mut self) -> Result<Spool, Failure> {
        let name = self.spool.name();
        let mut files = self
            .files
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .or_fail(Status::Failed, self.list.name())?;
        let written = self
            .text
            .write_all(&filelist_header(self.count))
            .and_then(|()| files.rewind())
            .and_then(|()| std::io::copy(&mut files, &mut self.text))
            .and_then(|_| self.text.flush());
        written.or_fail(Status::Failed, name)?;
        Ok(self.spool)
    }
}
