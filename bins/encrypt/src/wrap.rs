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

    /// A digest of the recipients, in case the run is interrupted and for the set that builds on this one.
    ///
    /// # Errors
    /// The interrupted run, which this one resumes, had other recipients: no one key would open the
    /// set. Or an increment has another passphrase than the set that it builds on: none would open both.
    pub(crate) fn key(&self, head: &SetHeader) -> Result<Option<String>, Failure> {
        if head.run.is_none() {
            // Without an archive directory nobody resumes it.
            return Ok(None);
        }
        let known = head.resume.as_ref().map(|resume| resume.key.as_deref());
        match (self, known) {
            (Wrap::Encrypted(encryption), None) => {
                let last = head.passphrase.as_deref().filter(|_| encryption.is_by_passphrase());
                let digest = encryption.recipients_digest_after(last)?;
                check_passphrase(
                    last,
                    &digest,
                    "make a full set with the new one (moo backup full)",
                )?;
                Ok(Some(digest))
            }
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

    /// Whether only a passphrase opens the files.
    pub(crate) fn is_by_passphrase(&self) -> bool {
        matches!(self, Wrap::Encrypted(encryption) if encryption.is_by_passphrase())
    }

    /// A digest of the passphrase, if only that opens the files: that of the last set, or a new one.
    pub(crate) fn passphrase_digest(&self, last: Option<&str>) -> Result<Option<String>, Failure> {
        match self {
            Wrap::Encrypted(encryption) if encryption.is_by_passphrase() => {
                encryption.recipients_digest_after(last).map(Some)
            }
            _ => Ok(None),
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

/// Checks that an increment has the passphrase of the last set, by the digests of the two.
pub(crate) fn check_passphrase(last: Option<&str>, now: &str, or: &str) -> Result<(), Failure> {
    if last.is_none_or(|last| last == now) {
        return Ok(());
    }
    let why =
        format!("not that of the last set, on which the increment builds; give that one, or {or}");
    Err(Failure::of(Status::Key, "passphrase", why))
}
