//! The signature tar: what the next increment compares with.

use std::fs::File;
use std::io::BufWriter;

use archive::Part;
use stream::member::Kind;
use stream::{Entry, Failure, Member, OrFail, Status, TarWriter};

use crate::spool::Spool;

/// A signature tar that is being written.
pub(crate) struct SignatureTar {
    tar: TarWriter<BufWriter<File>>,
    spool: Spool,
}

impl SignatureTar {
    pub(crate) fn new(spool: Spool) -> Result<SignatureTar, Failure> {
        Ok(SignatureTar { tar: TarWriter::new(BufWriter::new(spool.file()?)), spool })
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
        let member = Member { name, ..entry.member.clone() };
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
