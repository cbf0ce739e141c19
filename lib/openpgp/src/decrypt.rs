//! Unsealing: one OpenPGP message a file, and nothing of it trusted that is not protected.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use failure::{Failure, OrFail, Status};
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::{PKESK, SKESK, Tag};
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::parse::{PacketParser, Parse};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle};

use crate::body::Body;
use crate::frame::Framed;
use crate::head::{self, Head, Shape};
use crate::passphrase::PassphraseSource;
use crate::session::{Learned, Search};
use crate::signature::signer;
use crate::trouble::Trouble;
use crate::unprotect::{self, HEAD, Key, Unprotect};
use crate::{unprotected, unsigned};

/// The bytes of plaintext that are held back until the integrity code of the message has been
/// checked.
const BUFFER: usize = 1 << 20;
const PIECE: usize = 64 << 10;
/// The bytes of decrypted data that are read to detect its compression.
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

/// What messages are decrypted with.
pub struct Decryption {
    /// Secret keys from files.
    pub secrets: Vec<Cert>,
    /// What unlocks a secret key, or opens a message that was encrypted with a passphrase.
    pub passphrase: PassphraseSource,
    /// Whether GnuPG is asked for what the secret keys here don't open.
    pub gnupg: bool,
    /// If not empty, each message must be signed by one of these.
    pub signers_wanted: Vec<Cert>,
    /// Whether messages are read that anybody can have changed.
    pub allow_unprotected: bool,
    pub(crate) learned: Learned,
}

impl Decryption {
    /// Decryption with that passphrase alone; the other fields are for the caller to set.
    pub fn new(passphrase: PassphraseSource) -> Decryption {
        Decryption {
            secrets: Vec::new(),
            passphrase,
            gnupg: false,
            signers_wanted: Vec::new(),
            allow_unprotected: false,
            learned: Learned::default(),
        }
    }

    /// Decrypts one message and writes its content as it comes. What has been written must be
    /// thrown away if this fails: the check of the whole comes at its end.
    pub fn open(
        &self,
        which: &str,
        message: impl Read + Send + Sync,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let trouble = Trouble::new(which);
        let (first, head, whole) = begin(&trouble, message)?;
        match head.shape {
            Shape::Protected => match self.key(which, &first, &head)? {
                Some(key) => self.unprotect(which, &trouble, &key, whole, out),
                None => self.read(which, &trouble, Some(&first), whole, out),
            },
            Shape::Authenticated => self.read(which, &trouble, Some(&first), whole, out),
            Shape::Unknown => Err(refused(which, "not an OpenPGP message, or damaged")),
            _ if !self.allow_unprotected => Err(refused(which, "not protected against changes")),
            Shape::NotEncrypted => self.read(which, &trouble, None, whole, out),
            Shape::Unprotected => unprotected::open(self, which, &trouble, whole, out),
        }
    }

    /// Decrypts one message, and writes no byte of it before all of it has been checked: the message is read
    /// twice, from where it stands.
    pub fn open_checked(
        &self,
        which: &str,
        message: &mut (impl Read + Seek + Send + Sync),
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let trouble = Trouble::new(which);
        let start = message.stream_position().or_fail(Status::Failed, which)?;
        let (first, head, whole) = begin(&trouble, &mut *message)?;
        let key = match head.shape {
            Shape::Protected if self.signers_wanted.is_empty() => self.key(which, &first, &head)?,
            _ => None,
        };
        let Some(key) = key else {
            drop(whole);
            message.seek(SeekFrom::Start(start)).or_fail(Status::Failed, which)?;
            self.open(which, &mut *message, &mut io::sink())?;
            message.seek(SeekFrom::Start(start)).or_fail(Status::Failed, which)?;
            return self.open(which, message, out);
        };
        // The check covers what is encrypted: it need not be unpacked for that.
        let checked = content(which, &key, whole)
            .and_then(|mut content| io::copy(&mut content, &mut io::sink()));
        checked.map_err(|error| trouble.explain(error.into(), Status::Integrity))?;
        message.seek(SeekFrom::Start(start)).or_fail(Status::Failed, which)?;
        let (_, _, whole) = begin(&trouble, message)?;
        self.unprotect(which, &trouble, &key, whole, out)
    }

    /// The key of a message; none where its cipher is left to sequoia.
    fn key(&self, which: &str, first: &[u8], head: &Head) -> Result<Option<Key>, Failure> {
        let mut prefix = [0; HEAD];
        Body::new(which, Tag::SEIP, first)
            .read_exact(&mut prefix)
            .or_fail(Status::Integrity, which)?;
        let [_, prefix @ ..] = prefix;
        let mut found = None;
        let mut attempt = |algorithm: Option<SymmetricAlgorithm>, session: &SessionKey| {
            let Some(algorithm) = algorithm.filter(|algorithm| unprotect::is_ours(*algorithm))
            else {
                return true;
            };
            found = Key::find(algorithm, session, &prefix);
            found.is_some()
        };
        Search::new(self, which, first).run(&head.pkesks, &head.skesks, None, &mut attempt)?;
        Ok(found)
    }

    /// Decrypts a message, and reads what is in it.
    fn unprotect(
        &self,
        which: &str,
        trouble: &Trouble,
        key: &Key,
        message: impl Read + Send + Sync,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut content = content(which, key, message).or_fail(Status::Integrity, which)?;
        let mut first = Vec::new();
        let read = (&mut content).take(PEEK).read_to_end(&mut first);
        read.or_fail(Status::Integrity, which)?;
        let is_ours =
            self.signers_wanted.is_empty() && unsigned::content(which, &first[..]).is_ok();
        let content = io::Cursor::new(first).chain(content);
        if !is_ours {
            return self.read(which, trouble, None, trouble.watch(content), out);
        }
        let content = unsigned::content(which, content).or_fail(Status::Integrity, which)?;
        let copied = copy(content, &mut trouble.watch(out));
        copied.map_err(|error| trouble.explain(error, Status::Integrity))
    }

    fn read(
        &self,
        which: &str,
        trouble: &Trouble,
        encrypted: Option<&[u8]>,
        message: impl Read + Send + Sync,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let policy = policy();
        let search = encrypted.map(|head| Search::new(self, which, head));
        let opening = Opening { decryption: self, which, search, compressed: false };
        let mut message = Framed::new(message);
        DecryptorBuilder::from_reader(&mut message)
            .and_then(|builder| builder.buffer_size(BUFFER).with_policy(&policy, None, opening))
            .and_then(|content| {
                copy(BufReader::with_capacity(PIECE, content), &mut trouble.watch(out))
            })
            .map_err(|error| trouble.explain(error, Status::Integrity))?;
        if message.has_surplus().or_fail(Status::Failed, which)? {
            return Err(refused(which, "something follows the message"));
        }
        Ok(())
    }
}

/// The first bytes of a message, what they tell, and all of it.
fn begin<'a>(
    trouble: &Trouble,
    message: impl Read + Send + Sync + 'a,
) -> Result<(Vec<u8>, Head, impl Read + Send + Sync + 'a), Failure> {
    let unreadable = |error: io::Error| trouble.explain(error.into(), Status::Integrity);
    let mut message = head::without_armor(trouble.watch(message)).map_err(unreadable)?;
    let first = head::read(&mut message).map_err(unreadable)?;
    let whole = io::Cursor::new(first.clone()).chain(message);
    let head = head::look(&first);
    Ok((first, head, whole))
}

/// What is encrypted in a message, without its key packets.
fn content<R: Read>(
    which: &str,
    key: &Key,
    message: R,
) -> io::Result<Unprotect<Body<BufReader<R>>>> {
    let mut body = Body::new(which, Tag::SEIP, BufReader::with_capacity(PIECE, message));
    body.read_exact(&mut [0])?;
    Unprotect::new(which, body, key)
}

/// Writes the content as it comes.
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

fn refused(which: &str, why: &str) -> Failure {
    Failure::of(Status::Integrity, which, why)
}

/// What sequoia asks while it reads a message.
struct Opening<'a> {
    decryption: &'a Decryption,
    which: &'a str,
    /// Done once: encryption inside of something else is nothing that a backup has.
    search: Option<Search<'a>>,
    /// Whether a compressed packet has been seen.
    compressed: bool,
}

impl DecryptionHelper for Opening<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        attempt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> anyhow::Result<Option<Cert>> {
        let nested = || refused(self.which, "encrypted data in an unexpected place");
        let search = self.search.take().ok_or_else(nested)?;
        search.run(pkesks, skesks, algorithm, attempt)?;
        Ok(None)
    }
}

impl VerificationHelper for Opening<'_> {
    /// Nested compression grows by a factor of a thousand each time; GnuPG compresses once.
    fn inspect(&mut self, packet: &PacketParser<'_>) -> anyhow::Result<()> {
        if packet.packet.tag() != Tag::CompressedData {
            return Ok(());
        }
        if std::mem::replace(&mut self.compressed, true) {
            return Err(refused(self.which, "compressed more than once").into());
        }
        Ok(())
    }

    fn get_certs(&mut self, _: &[KeyHandle]) -> anyhow::Result<Vec<Cert>> {
        Ok(self.decryption.signers_wanted.clone())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> anyhow::Result<()> {
        if self.decryption.signers_wanted.is_empty() {
            return Ok(());
        }
        let mut results = structure.into_iter().flat_map(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results,
            _ => Vec::new(),
        });
        if results.any(|result| signer(result).is_ok()) {
            return Ok(());
        }
        Err(refused(self.which, "no valid signature by a wanted signer").into())
    }
}
