//! The text of a set's seal: signed so that `gpg -d FILE` prints it and anybody can read it.

use std::io::{Read, Write};

use sequoia_openpgp::armor;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    MessageLayer, MessageStructure, VerificationError, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{self as stack, Armorer, LiteralWriter, Message};
use sequoia_openpgp::{Cert, Fingerprint, KeyHandle};
use stream::{Failure, Status};

use crate::signer::{HASH, Hand, Signer};
use crate::trouble::failure;

/// The longest text, in bytes: a line for each file of a set, some hundred thousand of them.
const LONGEST: u64 = 64 << 20;

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
    let made = match signer.map(|signer| &signer.hand) {
        None => armored(text),
        Some(Hand::Held(pair)) => cleartext(text, pair.as_ref().clone()),
        Some(Hand::GnuPG(key)) => return key.cleartext(text),
    };
    made.map_err(|error| failure(error, Status::Failed, "seal"))
}

/// Reads what [`sign_text`] or `gpg --clear-sign` made, and tells who vouches for it. A signature
/// that does not hold is an error.
pub fn read_text(
    which: &str,
    bytes: &[u8],
    certs: &[Cert],
) -> Result<(Vec<u8>, SealState), Failure> {
    let read = verify(bytes, Check { which, certs, state: SealState::Unsigned });
    let (text, state) = read.map_err(|error| failure(error, Status::Integrity, which))?;
    if text.len() as u64 > LONGEST {
        return Err(Failure::new(Status::Integrity, format!("{which}: too long")));
    }
    Ok((text, state))
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

fn verify(bytes: &[u8], check: Check<'_>) -> anyhow::Result<(Vec<u8>, SealState)> {
    let policy = StandardPolicy::new();
    let mut verifier = VerifierBuilder::from_bytes(bytes)?.with_policy(&policy, None, check)?;
    let mut text = Vec::new();
    (&mut verifier).take(LONGEST + 1).read_to_end(&mut text)?;
    if verifier.processing_csf_message() == Some(true) {
        text.push(b'\n');
    }
    Ok((text, verifier.into_helper().state))
}

/// Judges the signatures of a text.
struct Check<'a> {
    which: &'a str,
    certs: &'a [Cert],
    state: SealState,
}

impl VerificationHelper for Check<'_> {
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

impl Check<'_> {
    fn judge(
        &self,
        result: Result<sequoia_openpgp::parse::stream::GoodChecksum<'_>, VerificationError<'_>>,
    ) -> anyhow::Result<SealState> {
        match result {
            Ok(good) => Ok(SealState::SignedBy(good.ka.cert().fingerprint())),
            Err(VerificationError::MissingKey { .. }) => Ok(SealState::UnknownSigner),
            Err(error) => {
                let why = format!("{}: bad signature: {error}", self.which);
                Err(Failure::new(Status::Integrity, why).into())
            }
        }
    }
}
