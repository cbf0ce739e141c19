//! How files are wrapped: in OpenPGP messages, with gzip, or not at all.

use std::io::Write;

use archive::{FileKind, Wrapping};
use deflate::{Deflate, Effort, Format};
use failure::{Failure, OrFail, Reason, Status};
use openpgp::Encryption;
use stream::SetHeader;

/// How the files of a set are wrapped.
pub(crate) enum Wrap {
    Encrypted(Box<Encryption>),
    Packed(Effort),
    Plain,
}

impl Wrap {
    pub(crate) fn new(encryption: Option<Encryption>, effort: Option<Effort>) -> Wrap {
        match (encryption, effort) {
            (Some(encryption), _) => Wrap::Encrypted(Box::new(encryption)),
            (None, Some(effort)) => Wrap::Packed(effort),
            (None, None) => Wrap::Plain,
        }
    }

    /// What the names of such files end in. A manifest is never packed: duplicity would not look
    /// for it.
    pub(crate) fn wrapping(&self, kind: FileKind) -> Wrapping {
        match self {
            Wrap::Encrypted(_) => Wrapping::OpenPgp,
            Wrap::Packed(_) if kind != FileKind::Manifest => Wrapping::Gzip,
            _ => Wrapping::Plain,
        }
    }

    /// The mark of the keys, for the case that the run is interrupted.
    ///
    /// # Errors
    /// It goes on with one that had other keys: no one key would open the set.
    pub(crate) fn key(&self, head: &SetHeader) -> Result<Option<String>, Failure> {
        if head.run.is_none() {
            // Without an archive nobody goes on with it.
            return Ok(None);
        }
        let known = head.resume.as_ref().map(|resume| resume.key.as_deref());
        match (self, known) {
            (Wrap::Encrypted(encryption), None) => encryption.mark().map(Some),
            (Wrap::Encrypted(encryption), Some(Some(mark))) if encryption.is_marked(mark)? => {
                Ok(Some(mark.to_owned()))
            }
            (Wrap::Packed(_) | Wrap::Plain, None | Some(None)) => Ok(None),
            _ => {
                let why = "not the keys of the interrupted run (the next run makes a new set)";
                Err(Failure::new(Status::Absent, why).because(Reason::CannotResume))
            }
        }
    }

    /// Lets a file be written into `to`, wrapped.
    pub(crate) fn write<W: Write + Send + Sync>(
        &self,
        kind: FileKind,
        to: &mut W,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Wrap::Encrypted(encryption) => encryption.seal_into(to, write),
            Wrap::Packed(effort) if kind != FileKind::Manifest => {
                let packed = Deflate::new(to, Format::Gzip, *effort);
                let mut packed = packed.or_fail(Status::Failed, "compression")?;
                write(&mut packed)?;
                packed.finish().map(drop).or_fail(Status::Failed, "compression")
            }
            _ => write(to),
        }
    }
}
