//! How files are wrapped: in OpenPGP messages, with gzip, or not at all.

use std::io::Write;

use archive::{FileKind, Wrapping};
use flate2::write::GzEncoder;
use openpgp::Encryption;
use stream::{Failure, OrFail, Status};

/// How the files of a set are wrapped.
pub(crate) enum Wrap {
    Encrypted(Box<Encryption>),
    Packed(u8),
    Plain,
}

impl Wrap {
    pub(crate) fn new(encryption: Option<Encryption>, level: Option<u8>) -> Wrap {
        match (encryption, level) {
            (Some(encryption), _) => Wrap::Encrypted(Box::new(encryption)),
            (None, Some(level)) => Wrap::Packed(level),
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

    /// Lets a file be written into `to`, wrapped.
    pub(crate) fn write<W: Write + Send + Sync>(
        &self,
        kind: FileKind,
        to: &mut W,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Wrap::Encrypted(encryption) => encryption.seal_into(to, write),
            Wrap::Packed(level) if kind != FileKind::Manifest => {
                let mut packed = GzEncoder::new(to, flate2::Compression::new((*level).into()));
                write(&mut packed)?;
                packed.finish().map(drop).or_fail(Status::Failed, "compression")
            }
            _ => write(to),
        }
    }
}
