//! Sealing: one OpenPGP message a file, as GnuPG 2.2 reads it.

use std::io::{self, Write};

use deflate::{Deflate, Effort, Format};
use failure::{Failure, Status};
use sequoia_openpgp::Cert;
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::serialize::Marshal;
use sequoia_openpgp::serialize::stream::{self as stack, LiteralWriter, Message};
use sequoia_openpgp::types::{CompressionAlgorithm, DataFormat};

use crate::gnupg_key::GnuPGKey;
use crate::gnupg_recipients::GnuPGRecipients;
use crate::gpg::Gpg;
use crate::keys::Keys;
use crate::parts::Parts;
use crate::passphrase::Passphrase;
use crate::protect::{self, Protect};
use crate::signer::{HASH, Hand, Signer};
use crate::trouble::Trouble;
use crate::usable::needs_gpg;
use crate::weak::WeakKeys;

/// How a file is compressed inside its message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Stored as it is.
    #[default]
    None,
    /// Deflated.
    Zlib(Effort),
}

/// For whom files are encrypted, and how.
#[derive(Clone, Debug, Default)]
pub struct Encryption {
    /// Whose secret keys open the message.
    pub recipients: Vec<Cert>,
    /// The same, but the message does not tell which keys those are.
    pub hidden_recipients: Vec<Cert>,
    /// Any of these opens the message too.
    pub passphrases: Vec<Passphrase>,
    /// Who signs inside the encryption.
    pub signer: Option<Signer>,
    /// How the content is compressed.
    pub compression: Compression,
    /// Whether recipients may have weak keys.
    pub weak_keys: WeakKeys,
}

impl Encryption {
    /// Checks that every recipient can be encrypted to, and that there is one.
    pub fn check(&self) -> Result<(), Failure> {
        if self.recipients.len() + self.hidden_recipients.len() + self.passphrases.len() == 0 {
            let why = "no recipient and no passphrase to encrypt to";
            return Err(Failure::new(Status::Usage, format!("encryption: {why}")));
        }
        if self.needs_gpg()? && !self.passphrases.is_empty() {
            let why = "gpg encrypts to weak keys or to a passphrase, not to both";
            return Err(Failure::new(Status::Usage, format!("encryption: {why}")));
        }
        Ok(())
    }

    /// Whether a recipient has a weak key, so that gpg has to encrypt.
    fn needs_gpg(&self) -> Result<bool, Failure> {
        let certs = self.recipients.iter().chain(&self.hidden_recipients);
        certs.map(|cert| needs_gpg(cert, self.weak_keys)).try_fold(false, |any, one| Ok(any | one?))
    }

    /// Writes one message into `out`, with what `write` writes as its content. An error of `out`
    /// or of `write` comes out unchanged; what is in `out` then is no message.
    pub fn seal_into<W: Write + Send + Sync>(
        &self,
        out: W,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.check()?;
        let trouble = Trouble::new("encryption");
        let out = trouble.watch(out);
        let sealed = match self.needs_gpg()? {
            true => GnuPGRecipients::of(self)?.encrypt(out, |to| self.compress(to, write)),
            false => self.seal(&Keys::of(self)?, out, write),
        };
        sealed.map_err(|error| trouble.explain(error, Status::Failed))
    }

    fn seal(
        &self,
        keys: &Keys,
        mut out: impl Write + Send + Sync,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> anyhow::Result<()> {
        let session = SessionKey::new(protect::KEY)?;
        keys.write(&session, &mut out)?;
        let mut protect = Protect::new(out, &session)?;
        self.compress(&mut protect, write)?;
        protect.finish()?;
        Ok(())
    }

    fn compress(
        &self,
        mut out: impl Write + Send + Sync,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> anyhow::Result<()> {
        let Compression::Zlib(effort) = self.compression else {
            return self.sign(&mut out, write);
        };
        let mut packet = Parts::new(out, Tag::CompressedData)?;
        packet.write_all(&[CompressionAlgorithm::Zlib.into()])?;
        let mut deflate = Deflate::new(packet, Format::Zlib, effort)?;
        self.sign(&mut deflate, write)?;
        deflate.finish()?.finish()?;
        Ok(())
    }

    fn sign(
        &self,
        out: &mut (impl Write + Send + Sync),
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> anyhow::Result<()> {
        match self.signer.as_ref().map(|signer| &signer.hand) {
            None => write_literal(out, write),
            Some(Hand::Held(pair)) => {
                let signer = stack::Signer::new(Message::new(out), pair.as_ref().clone())?;
                let mut message = literal(signer.hash_algo(HASH)?.build()?)?;
                write(&mut message)?;
                message.finalize()
            }
            Some(Hand::GnuPG(key)) => sign_by_gnupg(Message::new(out), key, write),
        }
    }
}

fn literal(message: Message<'_>) -> anyhow::Result<Message<'_>> {
    LiteralWriter::new(message).format(DataFormat::Binary).build()
}

/// The same as [`literal`], but with less copying.
fn write_literal(
    out: &mut impl Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> anyhow::Result<()> {
    let mut packet = Parts::new(out, Tag::Literal)?;
    // Binary, without a name and a time (RFC 4880, 5.9).
    packet.write_all(b"b\0\0\0\0\0")?;
    write(&mut packet)?;
    packet.finish()?;
    Ok(())
}

fn sign_by_gnupg(
    mut message: Message<'_>,
    key: &GnuPGKey,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> anyhow::Result<()> {
    key.announcement().serialize(&mut message)?;
    let mut both = Both { message: literal(message)?, gpg: key.start()? };
    write(&mut both)?;
    let signature = key.finish(both.gpg)?;
    let Some(mut message) = both.message.finalize_one()? else {
        return Ok(());
    };
    signature.serialize(&mut message)?;
    message.finalize()
}

/// Content on its way into the message and, for the signature, to gpg.
struct Both<'a> {
    message: Message<'a>,
    gpg: Gpg,
}

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.message.write(bytes)?;
        self.gpg.feed(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.message.flush()
    }
}
