//! The manifest as far as it is known here: the hashes come when the volumes are sealed.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};

use archive::{Change, Part, Place, VolumeRange, encode_header, filelist_header, filelist_line};
use stream::member::Kind;
use stream::{Entry, Failure, OrFail, SetHead, Status};

use crate::spool::{self, Spool};

/// A manifest that is being written.
pub(crate) struct Draft {
    text: BufWriter<File>,
    spool: Spool,
    /// The list of files, which comes last and starts with its length.
    files: BufWriter<File>,
    count: u64,
}

impl Draft {
    pub(crate) fn new(head: &SetHead, spool: Spool) -> Result<Draft, Failure> {
        let mut text = BufWriter::new(spool.file()?);
        let header = encode_header(&head.host, &head.source);
        text.write_all(&header).or_fail(Status::Failed, spool.name())?;
        let files = BufWriter::new(spool::temporary()?);
        Ok(Draft { text, spool, files, count: 0 })
    }

    /// Takes the places of a volume's first and last entry.
    pub(crate) fn volume(
        &mut self,
        number: u64,
        (start, end): (Place, Place),
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
        self.files.write_all(&line).or_fail(Status::Failed, spool::NAME)
    }

    /// The whole draft.
    pub(crate) fn finish(mut self) -> Result<Spool, Failure> {
        let name = self.spool.name();
        let mut files = self
            .files
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .or_fail(Status::Failed, spool::NAME)?;
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
