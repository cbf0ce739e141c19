//! Decryption of one OpenPGP message a file. Content that is not protected against changes is refused.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::thread;

use failure::{Failure, OrFail, Status};
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::{PKESK, SKESK, Tag};
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::parse::{PacketParser, Parse};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, Fingerprint, KeyHandle};

use crate::errors::OuterError;
use crate::gpg::{Gpg, GpgOutcome};
use crate::message::{self, MessageHead, Protection};
use crate::packets::{FramedMessage, PacketBody};
use crate::passphrase::PassphraseSource;
use crate::relay::relay;
use crate::seipd::{self, MessageKey, SeipdReader};
use crate::session_key::{KeyAccess, SessionKeySearch};
use crate::signing::signer_of;

/// The bytes of plaintext that sequoia holds back until the integrity code has been checked.
const BUFFER: usize = 1 << 20;
const PIECE: usize = 64 << 10;
/// The bytes of decrypted data that are handed to another thread at a time. With fewer, the threads wake each
/// other up more often.
const AHEAD: usize = 256 << 10;
/// The bytes of decrypted data that are read to detect what packets it has.
const PEEK: u64 = 4 << 10;

/// The policy for reading: it accepts the ciphers of old backups, which can no longer be changed.
#[allow(deprecated)]
fn policy() -> StandardPolicy<'static> {
    let mut policy = StandardPolicy::new();
    policy.accept_symmetric_algo(SymmetricAlgorithm::TripleDES);
    policy.accept_symmetric_algo(SymmetricAlgorithm::CAST5);
    policy.accept_symmetric_algo(SymmetricAlgorithm::Blowfish);
    policy
}

/// How messages are decrypted.
pub struct Decryption {
    /// What opens them.
    pub keys: KeyAccess,
    /// If not empty, one of these must have signed each message.
    pub signers_wanted: Vec<Cert>,
    /// Whether to read messages without integrity protection, and messages that are not encrypted.
    pub allow_unprotected: bool,
}

impl Decryption {
    /// Decryption with that passphrase alone; the fields are for the caller to set.
    pub fn new(passphrase: PassphraseSource) -> Decryption {
        let keys = KeyAccess::new(passphrase);
        Decryption { keys, signers_wanted: Vec::new(), allow_unprotected: false }
    }

    /// Derives the session key of a message from the passphrase, for [`open`](Self::open). That takes time,
    /// in which another thread can decrypt another message. The message may be damaged.
    ///
    /// If it `may_ask`, gets the session key from GnuPG, if that has opened another message for the same
    /// recipients.
    pub fn prepare(&self, message: impl Read + Send + Sync, may_ask: bool) {
        let first = message::without_armor(message)
            .and_then(|mut message| message::read_head(&mut message));
        if let Ok(first) = first {
            self.keys.prepare(&MessageHead::parse(&first), &first, may_ask);
        }
    }

    /// Decrypts one message and writes its content as it arrives. If this fails, the caller must
    /// discard what was written: the integrity code is at the end of the message.
    pub fn open(
        &self,
        which: &str,
        message: impl Read + Send + Sync,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let opening = Opening { decryption: self, which, errors: OuterError::new(which) };
        let (first, head, whole) = opening.begin(message)?;
        match head.protection {
            Protection::Hashed => match opening.key(&first, &head)? {
                Some(key) => opening.decrypt(&key, whole, out),
                None => opening.read_by_sequoia(Some(&first), whole, out),
            },
            Protection::Authenticated => opening.read_by_sequoia(Some(&first), whole, out),
            Protection::OfGnuPG => opening.read_ocb(whole, out),
            Protection::Unknown => Err(opening.refused("not an OpenPGP message, or damaged")),
            _ if !self.allow_unprotected => Err(opening.refused("not protected against changes")),
            Protection::NotEncrypted => opening.read_by_sequoia(None, whole, out),
            Protection::Malleable => {
                opening.read_by_gpg("--ignore-mdc-error", whole, out).map(drop)
            }
        }
    }

    /// Decrypts one message, and writes nothing before all of it has been checked. The message is
    /// read twice from its present position.
    pub fn open_checked(
        &self,
        which: &str,
        message: &mut (impl Read + Seek + Send + Sync),
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let opening = Opening { decryption: self, which, errors: OuterError::new(which) };
        let start = message.stream_position().or_fail(Status::Failed, which)?;
        let (first, head, whole) = opening.begin(&mut *message)?;
        let key = match head.protection {
            Protection::Hashed if self.signers_wanted.is_empty() => opening.key(&first, &head)?,
            _ => None,
        };
        let Some(key) = key else {
            drop(whole);
            message.seek(SeekFrom::Start(start)).or_fail(Status::Failed, which)?;
            self.open(which, &mut *message, &mut io::sink())?;
            message.seek(SeekFrom::Start(start)).or_fail(Status::Failed, which)?;
            return self.open(which, message, out);
        };
        // The hash covers the compressed content: it need not be inflated for the check.
        let checked = opening
            .plaintext(&key, whole)
            .and_then(|mut plaintext| io::copy(&mut plaintext, &mut io::sink()));
        checked.map_err(|error| opening.errors.explain(error.into(), Status::Integrity))?;
        message.seek(SeekFrom::Start(start)).or_fail(Status::Failed, which)?;
        let (_, _, whole) = opening.begin(message)?;
        opening.decrypt(&key, whole, out)
    }
}

/// One message that is being decrypted.
struct Opening<'a> {
    decryption: &'a Decryption,
    which: &'a str,
    errors: OuterError,
}

impl Opening<'_> {
    /// The first bytes of a message, what they say, and the whole message without armor.
    fn begin<'m>(
        &self,
        message: impl Read + Send + Sync + 'm,
    ) -> Result<(Vec<u8>, MessageHead, impl Read + Send + Sync + 'm), Failure> {
        let unreadable = |error: io::Error| self.errors.explain(error.into(), Status::Integrity);
        let message = message::without_armor(self.errors.watch(message));
        let mut message = message.map_err(unreadable)?;
        let first = message::read_head(&mut message).map_err(unreadable)?;
        let whole = io::Cursor::new(first.clone()).chain(message);
        let head = MessageHead::parse(&first);
        Ok((first, head, whole))
    }

    /// The session key of a message, or `None` if its cipher is left to sequoia.
    fn key(&self, first: &[u8], head: &MessageHead) -> Result<Option<MessageKey>, Failure> {
        let mut prefix = [0; seipd::HEAD];
        let read = PacketBody::new(self.which, Tag::SEIP, first).read_exact(&mut prefix);
        read.or_fail(Status::Integrity, self.which)?;
        let [_, prefix @ ..] = prefix;
        let mut found = None;
        let mut attempt = |algorithm: Option<SymmetricAlgorithm>, session: &SessionKey| {
            let Some(algorithm) = algorithm.filter(|algorithm| seipd::is_supported(*algorithm))
            else {
                return true;
            };
            found = MessageKey::find(algorithm, session, &prefix);
            found.is_some()
        };
        let search = SessionKeySearch::new(&self.decryption.keys, self.which, first);
        search.run(&head.pkesks, &head.skesks, None, &mut attempt)?;
        Ok(found)
    }

    /// The packets inside the encryption.
    fn plaintext<R: Read>(
        &self,
        key: &MessageKey,
        message: R,
    ) -> io::Result<SeipdReader<PacketBody<BufReader<R>>>> {
        let message = BufReader::with_capacity(PIECE, message);
        let mut body = PacketBody::new(self.which, Tag::SEIP, message);
        body.read_exact(&mut [0])?;
        SeipdReader::new(self.which, body, key)
    }

    /// Decrypts a message, and reads the packets inside.
    fn decrypt(
        &self,
        key: &MessageKey,
        message: impl Read + Send + Sync,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut packets = self.plaintext(key, message).or_fail(Status::Integrity, self.which)?;
        let mut first = Vec::new();
        let read = (&mut packets).take(PEEK).read_to_end(&mut first);
        read.or_fail(Status::Integrity, self.which)?;
        let is_plain = self.decryption.signers_wanted.is_empty()
            && message::content(self.which, &first[..]).is_ok();
        let is_short = packets.has_ended();
        let packets = io::Cursor::new(first).chain(packets);
        if !is_plain {
            return self.read_by_sequoia(None, self.errors.watch(packets), out);
        }
        if is_short {
            return self.copy_content(packets, out);
        }
        thread::scope(|scope| self.copy_content(relay(scope, packets, AHEAD), out))
    }

    /// Writes the content of a decrypted message as it arrives.
    fn copy_content(&self, packets: impl BufRead, out: &mut dyn Write) -> Result<(), Failure> {
        let content =
            message::content(self.which, packets).or_fail(Status::Integrity, self.which)?;
        let copied = copy(content, &mut self.errors.watch(out));
        copied.map_err(|error| self.errors.explain(error, Status::Integrity))
    }

    /// Reads any message. If it is encrypted, `encrypted` are its first bytes.
    fn read_by_sequoia(
        &self,
        encrypted: Option<&[u8]>,
        message: impl Read + Send + Sync,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let policy = policy();
        let keys = &self.decryption.keys;
        let helper = SequoiaHelper {
            which: self.which,
            signers_wanted: &self.decryption.signers_wanted,
            search: encrypted.map(|first| SessionKeySearch::new(keys, self.which, first)),
            compressed: false,
        };
        let mut message = FramedMessage::new(message);
        DecryptorBuilder::from_reader(&mut message)
            .and_then(|builder| builder.buffer_size(BUFFER).with_policy(&policy, None, helper))
            .and_then(|content| {
                copy(BufReader::with_capacity(PIECE, content), &mut self.errors.watch(out))
            })
            .map_err(|error| self.errors.explain(error, Status::Integrity))?;
        if message.has_surplus().or_fail(Status::Failed, self.which)? {
            return Err(self.refused("something follows the message"));
        }
        Ok(())
    }

    /// Reads a message in GnuPG's own OCB mode.
    fn read_ocb(&self, message: impl Read + Send, out: &mut dyn Write) -> Result<(), Failure> {
        if !self.decryption.keys.gnupg {
            let why = "encrypted in GnuPG's own OCB mode, which only gpg reads: gpg --import the secret key, \
                       and give no --secret-key";
            return Err(Failure::of(Status::Key, self.which, why));
        }
        let mut message = FramedMessage::ending_with(Tag::AED, message);
        let outcome = self.read_by_gpg("--quiet", &mut message, out)?;
        // gpg 2.2 calls a message good that was cut off, and fails all the same.
        if !outcome.success {
            return Err(self.refused(&format!("gpg: {}", outcome.reason())));
        }
        if message.has_surplus().or_fail(Status::Failed, self.which)? {
            return Err(self.refused("something follows the message"));
        }
        Ok(())
    }

    /// Reads a message that only gpg reads, with that option and the keys that gpg has.
    fn read_by_gpg(
        &self,
        option: &str,
        message: impl Read + Send,
        out: &mut dyn Write,
    ) -> Result<GpgOutcome, Failure> {
        let passphrase = self.decryption.keys.passphrase.given()?;
        let gpg = Gpg::start([option, "--decrypt"], passphrase.as_ref())?;
        let outcome = gpg.pump(message, &mut self.errors.watch(out));
        let outcome = outcome.map_err(|error| self.errors.explain(error.into(), Status::Failed))?;
        if outcome.statuses("DECRYPTION_OKAY").next().is_none() {
            let says = |keyword| outcome.statuses(keyword).next().is_some();
            let has_no_key =
                says("NO_SECKEY") || (says("NEED_PASSPHRASE_SYM") && !says("PLAINTEXT"));
            let status = if has_no_key { Status::Key } else { Status::Integrity };
            return Err(Failure::of(status, self.which, format!("gpg: {}", outcome.reason())));
        }
        let wanted = &self.decryption.signers_wanted;
        if wanted.is_empty() || is_signed_by(wanted, &outcome) {
            return Ok(outcome);
        }
        Err(unsigned(self.which))
    }

    fn refused(&self, why: &str) -> Failure {
        Failure::of(Status::Integrity, self.which, why)
    }
}

/// The last word of VALIDSIG is the fingerprint of the signer's primary key.
fn is_signed_by(wanted: &[Cert], outcome: &GpgOutcome) -> bool {
    let valid = outcome.statuses("VALIDSIG").filter_map(|line| line.split(' ').next_back());
    let mut signers = valid.filter_map(|id| id.parse::<Fingerprint>().ok());
    signers.any(|id| wanted.iter().any(|cert| cert.fingerprint() == id))
}

fn unsigned(which: &str) -> Failure {
    Failure::of(Status::Integrity, which, "no valid signature by a wanted signer")
}

/// Writes the content as it arrives.
fn copy(mut from: impl BufRead, to: &mut impl Write) -> anyhow::Result<()> {
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        to.write_all(piece)?;
        let length = piece.len();
        from.consume(length);
    }
}

/// What sequoia asks while it reads a message.
struct SequoiaHelper<'a> {
    which: &'a str,
    signers_wanted: &'a [Cert],
    /// Run once: no backup has encryption inside something else.
    search: Option<SessionKeySearch<'a>>,
    /// Whether a compressed packet has been seen.
    compressed: bool,
}

impl DecryptionHelper for SequoiaHelper<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        attempt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> anyhow::Result<Option<Cert>> {
        let why = "encrypted data in an unexpected place";
        let nested = || Failure::of(Status::Integrity, self.which, why);
        let search = self.search.take().ok_or_else(nested)?;
        search.run(pkesks, skesks, algorithm, attempt)?;
        Ok(None)
    }
}

impl VerificationHelper for SequoiaHelper<'_> {
    /// Nested compression grows by a factor of a thousand each time; GnuPG compresses once.
    fn inspect(&mut self, packet: &PacketParser<'_>) -> anyhow::Result<()> {
        if packet.packet.tag() != Tag::CompressedData {
            return Ok(());
        }
        if std::mem::replace(&mut self.compressed, true) {
            let why = "compressed more than once";
            return Err(Failure::of(Status::Integrity, self.which, why).into());
        }
        Ok(())
    }

    fn get_certs(&mut self, _: &[KeyHandle]) -> anyhow::Result<Vec<Cert>> {
        Ok(self.signers_wanted.to_vec())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> anyhow::Result<()> {
        if self.signers_wanted.is_empty() {
            return Ok(());
        }
        let mut results = structure.into_iter().flat_map(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results,
            _ => Vec::new(),
        });
        if results.any(|result| signer_of(result).is_ok()) {
            return Ok(());
        }
        Err(unsigned(self.which).into())
    }
}
