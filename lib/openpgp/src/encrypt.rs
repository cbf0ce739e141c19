//! Encryption: one OpenPGP message for each file, as GnuPG 2.2 reads it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};

use deflate::{Deflate, Effort, Format};
use failure::{Failure, OrFail, Status, TemporaryFile};
use sequoia_openpgp::crypto::{S2K, SessionKey, random};
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::packet::pkesk::PKESK3;
use sequoia_openpgp::packet::skesk::SKESK4;
use sequoia_openpgp::serialize::stream::{self as stack, LiteralWriter, Message};
use sequoia_openpgp::serialize::{Marshal, SerializeInto};
use sequoia_openpgp::types::{CompressionAlgorithm, DataFormat, HashAlgorithm};
use sequoia_openpgp::{Cert, Packet};
use sha2::{Digest, Sha256};

use crate::certificates::{WeakKeys, encryption_key, needs_gpg};
use crate::errors::{OuterError, failure};
use crate::gpg::{Gpg, GpgInput};
use crate::packets::PartialBody;
use crate::passphrase::Passphrase;
use crate::seipd::{self, CIPHER, SeipdWriter};
use crate::signing::{GnuPGSigningKey, HASH, Signer, SigningBackend};

/// The bytes that GnuPG hashes to turn a passphrase into a key.
const HASH_BYTES: u32 = 65_011_712;

/// How gpg encrypts. Its input is packets already, compressed and signed as in all other messages.
const GPG_OPTIONS: [&str; 9] = [
    "--no-options",
    "--no-autostart",
    "--trust-model",
    "always",
    "--allow-weak-digest-algos",
    "--allow-weak-key-signatures",
    "--no-literal",
    "--compress-algo",
    "none",
];

/// How a file is compressed inside its message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Stored as it is.
    #[default]
    None,
    /// Deflated.
    Zlib(Effort),
}

/// To whom files are encrypted, and how.
#[derive(Clone, Debug, Default)]
pub struct Encryption {
    /// The certificates to encrypt to.
    pub recipients: Vec<Cert>,
    /// Certificates to encrypt to without naming them in the message.
    pub hidden_recipients: Vec<Cert>,
    /// Passphrases, each of which opens the message too.
    pub passphrases: Vec<Passphrase>,
    /// The key that signs inside the encryption.
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
            return Err(Failure::of(Status::Usage, "encryption", why));
        }
        if self.needs_gpg()? && !self.passphrases.is_empty() {
            let why = "gpg encrypts to weak keys or to a passphrase, not to both";
            return Err(Failure::of(Status::Usage, "encryption", why));
        }
        Ok(())
    }

    /// Whether a recipient has a weak key, so that gpg has to encrypt.
    fn needs_gpg(&self) -> Result<bool, Failure> {
        let certs = self.recipients.iter().chain(&self.hidden_recipients);
        certs.map(|cert| needs_gpg(cert, self.weak_keys)).try_fold(false, |any, one| Ok(any | one?))
    }

    /// Writes one message into `out`; its content is what `write` writes. An error of `out` or of
    /// `write` is returned unchanged, and `out` then has no whole message.
    pub fn encrypt_into<W: Write + Send + Sync>(
        &self,
        out: W,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.check()?;
        let errors = OuterError::new("encryption");
        let out = errors.watch(out);
        let written = match self.needs_gpg()? {
            true => self.encrypt_by_gpg(out, |to| self.compress(to, write)),
            false => self.encrypt(out, write),
        };
        written.map_err(|error| errors.explain(error, Status::Failed))
    }

    fn encrypt(
        &self,
        mut out: impl Write + Send + Sync,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> anyhow::Result<()> {
        let session = SessionKey::new(seipd::KEY)?;
        for packet in self.session_keys(&session)? {
            packet.serialize(&mut out)?;
        }
        let mut encrypted = SeipdWriter::new(out, &session)?;
        self.compress(&mut encrypted, write)?;
        encrypted.finish()?;
        Ok(())
    }

    /// The session key for each recipient and each passphrase.
    fn session_keys(&self, session: &SessionKey) -> anyhow::Result<Vec<Packet>> {
        let mut packets = Vec::new();
        let named = self.recipients.iter().map(|cert| (cert, false));
        let hidden = self.hidden_recipients.iter().map(|cert| (cert, true));
        for (cert, is_hidden) in named.chain(hidden) {
            let mut packet = PKESK3::for_recipient(CIPHER, session, &encryption_key(cert)?)?;
            if is_hidden {
                packet.set_recipient(None);
            }
            packets.push(Packet::PKESK(packet.into()));
        }
        for Passphrase(password) in &self.passphrases {
            let (cipher, s2k) = (CIPHER, S2K::default());
            let packet = SKESK4::with_password(cipher, cipher, s2k, session, password)?;
            packets.push(Packet::SKESK(packet.into()));
        }
        Ok(packets)
    }

    /// Lets gpg write a message, whose content is the packets that `content` writes. A message has one
    /// session key, and only gpg knows it here, so gpg encrypts to all recipients, weak or not. It reads
    /// their certificates from files, in a home of its own: the user's settings and keys do not count.
    fn encrypt_by_gpg(
        &self,
        out: impl Write + Send,
        content: impl FnOnce(&mut GpgInput) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let home = tempfile::tempdir().or_fail(Status::Failed, TemporaryFile)?;
        let cipher = CIPHER.to_string();
        let mut arguments: Vec<OsString> = GPG_OPTIONS.map(OsString::from).to_vec();
        arguments.extend(["--cipher-algo".into(), cipher.into(), "--homedir".into()]);
        arguments.push(home.path().into());
        let named = self.recipients.iter().map(|cert| ("--recipient-file", cert));
        let hidden = self.hidden_recipients.iter().map(|cert| ("--hidden-recipient-file", cert));
        for (option, cert) in named.chain(hidden) {
            let file = home.path().join(cert.fingerprint().to_hex());
            fs::write(&file, cert.export_to_vec()?).or_fail(Status::Failed, TemporaryFile)?;
            arguments.extend([option.into(), file.into_os_string()]);
        }
        arguments.push("--encrypt".into());
        let outcome = Gpg::start(arguments, None)?.filter(out, content)?;
        if outcome.success {
            return Ok(());
        }
        let why = format!("gpg: {}", outcome.reason());
        Err(Failure::of(Status::Key, "encryption", why).into())
    }

    fn compress(
        &self,
        mut out: impl Write + Send + Sync,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    ) -> anyhow::Result<()> {
        let Compression::Zlib(effort) = self.compression else {
            return self.sign(&mut out, write);
        };
        let mut packet = PartialBody::new(out, Tag::CompressedData)?;
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
        match self.signer.as_ref().map(|signer| &signer.backend) {
            None => write_literal(out, write),
            Some(SigningBackend::Software(pair)) => {
                let signer = stack::Signer::new(Message::new(out), pair.as_ref().clone())?;
                let mut message = literal(signer.hash_algo(HASH)?.build()?)?;
                write(&mut message)?;
                message.finalize()
            }
            Some(SigningBackend::GnuPG(key)) => sign_by_gnupg(Message::new(out), key, write),
        }
    }

    /// Whether a passphrase opens the messages, and no key.
    pub fn is_by_passphrase(&self) -> bool {
        self.recipients.len() + self.hidden_recipients.len() == 0 && !self.passphrases.is_empty()
    }

    /// A salted digest of the recipients, by which a later run with equal recipients is recognized. The
    /// salt is random. A passphrase is stretched (S2K), so a guess takes as long as with a message.
    pub fn recipients_digest(&self) -> Result<String, Failure> {
        let mut salt = [0; 8];
        random(&mut salt).map_err(failed)?;
        self.digest_with(salt)
    }

    /// The [digest](Self::recipients_digest) of a set before, if it is of the same recipients; else a new one.
    pub fn recipients_digest_after(&self, last: Option<&str>) -> Result<String, Failure> {
        match last {
            Some(last) if self.has_recipients(last)? => Ok(last.to_owned()),
            _ => self.recipients_digest(),
        }
    }

    /// Whether a [digest](Self::recipients_digest) is of the same recipients.
    pub fn has_recipients(&self, digest: &str) -> Result<bool, Failure> {
        let salt = digest.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        let Some(salt) = salt else { return Ok(false) };
        Ok(self.digest_with(salt.to_be_bytes())? == digest)
    }

    fn digest_with(&self, salt: [u8; 8]) -> Result<String, Failure> {
        let mut hash = Sha256::new();
        for certs in [&self.recipients, &self.hidden_recipients] {
            let names = certs.iter().map(|cert| cert.fingerprint().to_hex());
            hash.update(names.collect::<Vec<_>>().join(" "));
            hash.update([b'\n']);
        }
        let s2k = S2K::Iterated { hash: HashAlgorithm::SHA256, salt, hash_bytes: HASH_BYTES };
        for Passphrase(password) in &self.passphrases {
            let key = s2k.derive_key(password, 32).map_err(failed)?;
            hash.update(&key);
        }
        Ok(format!("{:016x}{:x}", u64::from_be_bytes(salt), hash.finalize()))
    }
}

fn literal(message: Message<'_>) -> anyhow::Result<Message<'_>> {
    LiteralWriter::new(message).format(DataFormat::Binary).build()
}

/// A literal packet, with less copying than [`literal`].
fn write_literal(
    out: &mut impl Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> anyhow::Result<()> {
    let mut packet = PartialBody::new(out, Tag::Literal)?;
    // Binary, without a name and a time (RFC 4880, 5.9).
    packet.write_all(b"b\0\0\0\0\0")?;
    write(&mut packet)?;
    packet.finish()?;
    Ok(())
}

fn sign_by_gnupg(
    mut message: Message<'_>,
    key: &GnuPGSigningKey,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> anyhow::Result<()> {
    key.announcement().serialize(&mut message)?;
    let mut tee = TeeToGpg { message: literal(message)?, gpg: key.start()? };
    write(&mut tee)?;
    let signature = key.finish(tee.gpg)?;
    let Some(mut message) = tee.message.finalize_one()? else {
        return Ok(());
    };
    signature.serialize(&mut message)?;
    message.finalize()
}

/// Content on its way into the message and, for the signature, to gpg.
struct TeeToGpg<'a> {
    message: Message<'a>,
    gpg: Gpg,
}

impl Write for TeeToGpg<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.message.write(bytes)?;
        self.gpg.feed(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.message.flush()
    }
}

fn failed(error: anyhow::Error) -> Failure {
    failure(error, Status::Failed, "encryption")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(passphrase: &str) -> Encryption {
        let passphrases = Passphrase::from_bytes(passphrase.into()).into_iter().collect();
        Encryption { passphrases, ..Encryption::default() }
    }

    #[test]
    fn a_digest_is_of_one_passphrase() {
        let digest = with("purr").recipients_digest().unwrap();
        assert_ne!(with("purr").recipients_digest().unwrap(), digest);
        assert!(with("purr").has_recipients(&digest).unwrap());
        for other in ["meow", ""] {
            assert!(!with(other).has_recipients(&digest).unwrap());
        }
        for damaged in ["", "x", "0123456789abcdef"] {
            assert!(!with("purr").has_recipients(damaged).unwrap());
        }
    }
}
