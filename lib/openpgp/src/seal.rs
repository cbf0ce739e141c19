//! The seal of a set: its text, signed so that `gpg -d FILE` prints it, and the identity in it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};

use archive::{Identity, Seal};
use failure::{Failure, OrFail, Status};
use sequoia_openpgp::Packet;
use sequoia_openpgp::armor;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationError, VerificationHelper,
    VerificationResult,
};
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{self as stack, Armorer, LiteralWriter, Message};
use sequoia_openpgp::types::SignatureType;
use sequoia_openpgp::{Cert, Fingerprint, KeyHandle};

use crate::cleartext::{self, SealFrame};
use crate::errors::failure;
use crate::message;
use crate::signing::{HASH, Signer, SigningBackend, signer_of};

/// The longest text, in bytes: a line for each file of a set, some hundred thousand of them.
const LONGEST: usize = 64 << 20;
/// Signatures of one text: one, or one of each of some keys. The time to check them grows with their square.
const MOST_SIGNATURES: usize = 8;

/// Who vouches for a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealState {
    /// A valid signature of the certificate with that fingerprint.
    SignedBy(Fingerprint),
    /// Nobody.
    Unsigned,
    /// Signed by a key that none of the certificates has; nothing is checked.
    UnknownSigner,
}

/// A cleartext-signed text, or without a signer an armored message that holds the text.
///
/// A cleartext signature does not cover white space at the end of a line, so there must be none,
/// and the text ends with a line feed.
pub fn sign_text(text: &[u8], signer: Option<&Signer>) -> Result<Vec<u8>, Failure> {
    if !is_signable(text) {
        let why = "not a text with clean line ends, can't be signed";
        return Err(Failure::new(Status::Failed, format!("seal: {why}")));
    }
    let made = match signer.map(|signer| &signer.backend) {
        None => armored(text),
        Some(SigningBackend::Software(pair)) => cleartext(text, pair.as_ref().clone()),
        Some(SigningBackend::GnuPG(key)) => return key.cleartext(text),
    };
    made.map_err(|error| failure(error, Status::Failed, "seal"))
}

/// Reads what [`sign_text`] or `gpg --clear-sign` made, and tells who vouches for it. This is the only way in
/// which a seal is opened, and it costs no more than its length does: nothing in it is unpacked.
///
/// # Errors
/// [`Status::Integrity`]: another form than that of the two (see [`cleartext`]), more than 64 MiB or
/// eight signatures, a signature that does not hold.
pub fn read_text<'a>(
    which: &str,
    bytes: &'a [u8],
    certs: &[Cert],
) -> Result<(Cow<'a, [u8]>, SealState), Failure> {
    if bytes.len() > LONGEST {
        return Err(refused(which, "too long"));
    }
    match cleartext::parse(bytes).map_err(|why| refused(which, why))? {
        SealFrame::Signed { text, hashes, signatures } => {
            let check = SealVerifier { which, certs, state: SealState::UnknownSigner };
            let state = verify(&text, &hashes, &signatures, check)
                .map_err(|error| failure(error, Status::Integrity, which))?;
            Ok((text, state))
        }
        SealFrame::Message(message) => {
            let mut text = Vec::new();
            let read = message::literal(which, message.as_slice())
                .and_then(|mut content| content.read_to_end(&mut text));
            let read = read.map_err(|error| match error.kind() {
                io::ErrorKind::Other => error,
                _ => io::Error::other("is no bare text"),
            });
            read.or_fail(Status::Integrity, which)?;
            Ok((Cow::Owned(text), SealState::Unsigned))
        }
    }
}

/// What the text of a seal says, whoever has signed it: nothing here tells that it can be trusted.
///
/// # Errors
/// [`Status::Integrity`] where it is no seal.
pub fn read_seal(which: &str, bytes: &[u8]) -> Result<Seal, Failure> {
    let (text, _) = read_text(which, bytes, &[])?;
    Seal::parse(&text).or_fail(Status::Integrity, which)
}

fn is_signable(text: &[u8]) -> bool {
    let ends_dirty = |line: &[u8]| line.last().is_some_and(|byte| b" \t\r".contains(byte));
    text.ends_with(b"\n") && !text.split(|byte| *byte == b'\n').any(ends_dirty)
}

fn armored(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let message = Armorer::new(Message::new(&mut out)).kind(armor::Kind::Message).build()?;
    let mut message = LiteralWriter::new(message).build()?;
    message.write_all(text)?;
    message.finalize()?;
    Ok(out)
}

fn cleartext(text: &[u8], pair: sequoia_openpgp::crypto::KeyPair) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let signer = stack::Signer::new(Message::new(&mut out), pair)?.cleartext();
    let mut message = signer.hash_algo(HASH)?.build()?;
    // The last line feed belongs to the frame; sequoia writes one of its own.
    message.write_all(text.strip_suffix(b"\n").unwrap_or(text))?;
    message.finalize()?;
    Ok(out)
}

/// Who has signed a text. All that the armor holds must be signatures of texts, as GnuPG demands too.
fn verify(
    text: &[u8],
    hashes: &[&[u8]],
    signatures: &[u8],
    check: SealVerifier<'_>,
) -> anyhow::Result<SealState> {
    check_packets(check.which, hashes, signatures)?;
    let policy = StandardPolicy::new();
    let verifier = DetachedVerifierBuilder::from_bytes(signatures)?;
    let mut verifier = verifier.with_policy(&policy, None, check)?;
    // The last line feed belongs to the frame.
    verifier.verify_bytes(text.strip_suffix(b"\n").unwrap_or(text))?;
    Ok(verifier.into_helper().state)
}

/// Looks at what the armor of signatures holds, before anything is done with it: signatures of texts alone,
/// over the hashes that are announced.
fn check_packets(which: &str, hashes: &[&[u8]], signatures: &[u8]) -> anyhow::Result<()> {
    let mut count = 0;
    let mut used = Vec::new();
    let mut next = PacketParser::from_bytes(signatures)?;
    while let PacketParserResult::Some(parser) = next {
        count += 1;
        let text = match &parser.packet {
            Packet::Signature(signature) => {
                used.push(signature.hash_algo());
                signature.version() == 4 && signature.typ() == SignatureType::Text
            }
            _ => false,
        };
        if !text || count > MOST_SIGNATURES {
            let why =
                if text { "has too many signatures" } else { "has a signature of another kind" };
            return Err(refused(which, why).into());
        }
        next = parser.next()?.1;
    }
    let names: Vec<&[u8]> =
        used.iter().map(|hash| hash.text_name().unwrap_or_default().as_bytes()).collect();
    if names.iter().any(|name| !hashes.contains(name))
        || hashes.iter().any(|hash| !names.contains(hash))
    {
        return Err(refused(which, "announces other hashes than its signature has").into());
    }
    if count == 0 { Err(refused(which, "has no signature").into()) } else { Ok(()) }
}

fn refused(which: &str, why: &str) -> Failure {
    Failure::of(Status::Integrity, which, why)
}

/// Judges the signatures of a text.
struct SealVerifier<'a> {
    which: &'a str,
    certs: &'a [Cert],
    state: SealState,
}

impl VerificationHelper for SealVerifier<'_> {
    fn get_certs(&mut self, _: &[KeyHandle]) -> anyhow::Result<Vec<Cert>> {
        Ok(self.certs.to_vec())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> anyhow::Result<()> {
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else {
                continue;
            };
            for result in results {
                let new = self.judge(result)?;
                if !matches!(self.state, SealState::SignedBy(_)) {
                    self.state = new;
                }
            }
        }
        Ok(())
    }
}

impl SealVerifier<'_> {
    fn judge(&self, result: VerificationResult<'_>) -> anyhow::Result<SealState> {
        match signer_of(result) {
            Ok(cert) => Ok(SealState::SignedBy(cert)),
            Err(VerificationError::MissingKey { .. }) => Ok(SealState::UnknownSigner),
            Err(error) => {
                let why = format!("{}: bad signature: {error}", self.which);
                Err(Failure::new(Status::Integrity, why).into())
            }
        }
    }
}

/// The kernel's random source.
const RANDOM: &str = "/dev/urandom";

/// The identity of a backup, from the newest of these seals that has one: pairs of a name and the
/// bytes, the newest first. The seals of old versions have none.
///
/// # Errors
/// A seal that is damaged: a backup that went on with another identity could not be restored.
pub fn known_identity<N: std::fmt::Display>(
    seals: impl IntoIterator<Item = Result<(N, Vec<u8>), Failure>>,
) -> Result<Option<Identity>, Failure> {
    for seal in seals {
        let (name, bytes) = seal?;
        if let Some(identity) = read_seal(&name.to_string(), &bytes)?.identity {
            return Ok(Some(identity));
        }
    }
    Ok(None)
}

/// A new identity.
pub fn new_identity() -> Result<Identity, Failure> {
    let mut random = [0; 16];
    let read = File::open(RANDOM).and_then(|mut file| file.read_exact(&mut random));
    read.or_fail(Status::Failed, RANDOM)?;
    Ok(Identity::new(random))
}
