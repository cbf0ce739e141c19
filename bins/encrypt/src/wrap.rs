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

    /// A digest of the recipients, in case the run is interrupted.
    ///
    /// # Errors
    /// The interrupted run, which this one resumes, had other recipients: no one key would open the
    /// set.
    pub(crate) fn key(&self, head: &SetHeader) -> Result<Option<String>, Failure> {
        if head.run.is_none() {
            // Without an archive directory nobody resumes it.
            return Ok(None);
        }
        let known = head.resume.as_ref().map(|resume| resume.key.as_deref());
        match (self, known) {
            (Wrap::Encrypted(encryption), None) => encryption.recipients_digest().map(Some),
            (Wrap::Encrypted(encryption), Some(Some(digest)))
                if encryption.has_recipients(digest)? =>
            {
                Ok(Some(digest.to_owned()))
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
            Wrap::Encrypted(encryption) => encryption.encrypt_into(to, write),
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
