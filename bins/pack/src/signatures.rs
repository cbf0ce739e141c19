//! The signature tar: what the next increment compares with.

use std::fs::File;
use std::io::{BufWriter, Write};

use archive::{FileKind, Part};
use failure::{Failure, OrFail, Status};
use stream::member::Kind;
use stream::{Attributes, Entry, Member, TarWriter};

use crate::spool::{Spool, Spools};

/// A signature tar that is being written.
pub(crate) struct SignatureTar {
    tar: TarWriter<BufWriter<File>>,
    spool: Spool,
}

impl SignatureTar {
    /// One that goes on behind the first `len` bytes of what an interrupted run has left.
    pub(crate) fn new(spools: &Spools, len: u64) -> Result<SignatureTar, Failure> {
        let spool = spools.open(FileKind::Signatures, len)?;
        Ok(SignatureTar { tar: TarWriter::behind(BufWriter::new(spool.file()?), len), spool })
    }

    /// Makes what was written so far safe against a crash. Returns its length.
    pub(crate) fn sync(&mut self) -> Result<u64, Failure> {
        self.tar.get_mut().flush().or_fail(Status::Failed, self.spool.name())?;
        self.spool.sync()
    }

    /// Takes what the next increment has to know of an entry: the signature of content, the
    /// metadata of everything else.
    pub(crate) fn entry(&mut self, entry: &Entry) -> Result<(), Failure> {
        let kept = match entry.name.part {
            Part::Signature | Part::Deleted => true,
            Part::Snapshot => entry.member.kind != Kind::File,
            Part::Diff => false,
        };
        if !kept {
            return Ok(());
        }
        let name = entry.name.encode_for_sigtar(entry.member.kind == Kind::Directory);
        // Their hash is among the facts, and enough to compare with.
        let attributes = Attributes::default();
        let member = Member { name, attributes, ..entry.member.clone() };
        self.tar.append(&member, &entry.body).or_fail(Status::Failed, self.spool.name())
    }

    /// The whole tar.
    pub(crate) fn finish(mut self) -> Result<Spool, Failure> {
        let name = self.spool.name();
        self.tar.end(true).or_fail(Status::Failed, name)?;
        let ended = self.tar.into_inner().into_inner().map_err(std::io::IntoInnerError::into_error);
        ended.or_fail(Status::Failed, name)?;
        Ok(self.spool)
    }
}
