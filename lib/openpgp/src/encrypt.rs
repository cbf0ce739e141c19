//! Sealing: one OpenPGP message a file, as GnuPG 2.2 reads it.

use std::io::{self, Write};

use sequoia_openpgp::Cert;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, Tag};
use sequoia_openpgp::serialize::Marshal;
use sequoia_openpgp::serialize::stream::{self as stack, Encryptor, LiteralWriter, Recipient};
use sequoia_openpgp::serialize::stream::{ArbitraryWriter, Message};
use sequoia_openpgp::types::{CompressionAlgorithm, DataFormat, Features, SymmetricAlgorithm};
use stream::{Failure, Status};

use crate::deflate::Deflate;
use crate::gnupg_key::GnuPGKey;
use crate::gpg::Gpg;
use crate::passphrase::Passphrase;
use crate::signer::{HASH, Hand, Signer};
use crate::trouble::Trouble;
use crate::usable::encryption_key;

/// How a file is compressed inside its message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Stored as it is.
    #[default]
    None,
    /// Deflated, with a level of 1 (fast) to 9 (small).
    Zlib(u8),
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
}

impl Encryption {
    /// Checks that every recipient can be encrypted to, and that there is one.
    pub fn check(&self) -> Result<(), Failure> {
        for cert in self.recipients.iter().chain(&self.hidden_recipients) {
            encryption_key(cert)?;
        }
        if self.recipients.len() + self.hidden_recipients.len() + self.passphrases.len() == 0 {
            let why = "no recipient and no passphrase to encrypt to";
            return Err(Failure::new(Status::Usage, format!("encryption: {why}")));
        }
        Ok(())
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
        let keys = Keys::of(self)?;
        let sealed = self.seal(&keys, Message::new(trouble.watch(out)), write);
        sealed.map_err(|error| trouble.explain(error, Status::Failed))
    }

    fn seal<'a>(
        &self,
        keys: &'a Keys,
        message: Message<'a>,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> anyhow::Result<()> {
        let passphrases = self.passphrases.iter().map(|Passphrase(password)| password.clone());
        let message = Encryptor::for_recipients(message, keys.recipients())
            .add_passwords(passphrases)
            .symmetric_algo(SymmetricAlgorithm::AES256)
            .build()?;
        let Compression::Zlib(level) = self.compression else {
            return self.sign(message, write);
        };
        let mut packet = ArbitraryWriter::new(message, Tag::CompressedData)?;
        packet.write_all(&[CompressionAlgorithm::Zlib.into()])?;
        let mut deflate = Deflate::new(packet, level)?;
        self.sign(Message::new(&mut deflate), write)?;
        deflate.finish()?.finalize()
    }

    fn sign(
        &self,
        message: Message<'_>,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> anyhow::Result<()> {
        match self.signer.as_ref().map(|signer| &signer.hand) {
            None => finish(message, write),
            Some(Hand::Held(pair)) => {
                let signer = stack::Signer::new(message, pair.as_ref().clone())?;
                finish(signer.hash_algo(HASH)?.build()?, write)
            }
            Some(Hand::GnuPG(key)) => finish_signed_by_gnupg(message, key, write),
        }
    }
}

/// The keys that a message is encrypted to.
struct Keys {
    named: Vec<Key<PublicParts, UnspecifiedRole>>,
    hidden: Vec<Key<PublicParts, UnspecifiedRole>>,
}

impl Keys {
    fn of(encryption: &Encryption) -> Result<Keys, Failure> {
        let named = encryption.recipients.iter().map(encryption_key).collect::<Result<_, _>>()?;
        let hidden = encryption.hidden_recipients.iter().map(encryption_key);
        Ok(Keys { named, hidden: hidden.collect::<Result<_, _>>()? })
    }

    /// sequoia takes the newer kind of encryption where all recipients say that they know it;
    /// GnuPG 2.2 can't read that, whatever a certificate says.
    fn recipients(&self) -> impl Iterator<Item = Recipient<'_>> {
        let features = Features::empty().set_seipdv1();
        let of_hidden = features.clone();
        let named = self.named.iter();
        let named = named.map(move |key| Recipient::new(features.clone(), key.key_handle(), key));
        let hidden = self.hidden.iter();
        named.chain(hidden.map(move |key| Recipient::new(of_hidden.clone(), None, key)))
    }
}

fn literal(message: Message<'_>) -> anyhow::Result<Message<'_>> {
    LiteralWriter::new(message).format(DataFormat::Binary).build()
}

fn finish(
    message: Message<'_>,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> anyhow::Result<()> {
    let mut message = literal(message)?;
    write(&mut message)?;
    message.finalize()
}

fn finish_signed_by_gnupg(
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
