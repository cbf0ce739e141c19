//! The session key of a message: from a secret key file, from GnuPG, or from a passphrase.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use failure::{Failure, Status};
use sequoia_openpgp::crypto::{KeyPair, S2K, SessionKey};
use sequoia_openpgp::packet::key::{SecretParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, PKESK, SKESK};
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Fingerprint, KeyHandle};

use crate::decrypt::Decryption;
use crate::gpg;
use crate::passphrase::{Passphrase, PassphraseSource};
use crate::signer::unlock;

/// How many of a message's passphrases are tried: each may cost a second, and a message has room
/// for thousands.
const MOST_PASSPHRASES: usize = 8;

/// Tries a session key on the message.
pub(crate) type Try<'a> = &'a mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool;

/// What was learned from messages before.
#[derive(Default)]
pub(crate) struct Learned {
    /// Secret keys that are unlocked, or why they are not.
    unlocked: Mutex<HashMap<Fingerprint, Result<KeyPair, Failure>>>,
    /// GnuPG found the key without our passphrase.
    agent_knows: Mutex<bool>,
}

/// The search for one message's session key.
pub(crate) struct Search<'a> {
    decryption: &'a Decryption,
    which: &'a str,
    /// The beginning of the message, for GnuPG.
    head: &'a [u8],
    /// Why a key that fits could not be used.
    reasons: Vec<String>,
    /// A session key was found, but does not open the message.
    damaged: bool,
}

impl<'a> Search<'a> {
    pub(crate) fn new(decryption: &'a Decryption, which: &'a str, head: &'a [u8]) -> Search<'a> {
        Search { decryption, which, head, reasons: Vec::new(), damaged: false }
    }

    /// Looks everywhere, last where a human may be asked.
    pub(crate) fn run(
        mut self,
        pkesks: &[PKESK],
        skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        attempt: Try<'_>,
    ) -> Result<(), Failure> {
        if self.by_files(pkesks, algorithm, attempt)
            || (!pkesks.is_empty() && self.by_gnupg(attempt)?)
            || (!skesks.is_empty() && self.by_passphrase(skesks, attempt)?)
        {
            return Ok(());
        }
        Err(self.nothing_found(pkesks, skesks))
    }

    fn by_files(
        &mut self,
        pkesks: &[PKESK],
        algorithm: Option<SymmetricAlgorithm>,
        attempt: Try<'_>,
    ) -> bool {
        // Messages that name our key first: a hidden recipient may be somebody else.
        let (named, hidden): (Vec<_>, Vec<_>) =
            pkesks.iter().partition(|pkesk| pkesk.recipient().is_some());
        let decryption = self.decryption;
        named.into_iter().chain(hidden).any(|pkesk| {
            let keys = decryption.secrets.iter().flat_map(|cert| cert.keys().secret());
            let mut fitting = keys.map(|key| key.key()).filter(|key| fits(key, pkesk.recipient()));
            fitting.any(|key| self.by_key(key, pkesk, algorithm, attempt))
        })
    }

    fn by_key(
        &mut self,
        key: &Key<SecretParts, UnspecifiedRole>,
        pkesk: &PKESK,
        algorithm: Option<SymmetricAlgorithm>,
        attempt: Try<'_>,
    ) -> bool {
        let mut pair = match self.decryption.learned.unlock(key, &self.decryption.passphrase) {
            Ok(pair) => pair,
            Err(reason) => {
                self.reasons.push(reason.to_string());
                return false;
            }
        };
        let session = pkesk.decrypt(&mut pair, algorithm);
        let opened = session.map(|(algorithm, session)| attempt(algorithm, &session));
        self.damaged |= opened == Some(false);
        if opened.is_none() && !key.pk_algo().is_supported() {
            let (id, kind) = (key.keyid(), key.pk_algo());
            let hint = "only gpg can use it: gpg --import the file, and give no --secret-key";
            self.reasons.push(format!("secret key {id:X}: {kind}, {hint}"));
        }
        opened == Some(true)
    }

    fn by_gnupg(&mut self, attempt: Try<'_>) -> Result<bool, Failure> {
        if !self.decryption.gnupg {
            return Ok(false);
        }
        let learned = &self.decryption.learned;
        let passphrase = self.decryption.passphrase.given()?;
        if passphrase.is_some()
            && !learned.agent_knows()
            && self.ask_gnupg(passphrase.as_ref(), attempt)?
        {
            return Ok(true);
        }
        let found = self.ask_gnupg(None, attempt)?;
        *learned.agent_knows.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(found)
    }

    /// gpg shows the session key as soon as it has it; that the rest is cut off does not matter.
    fn ask_gnupg(
        &mut self,
        passphrase: Option<&Passphrase>,
        attempt: Try<'_>,
    ) -> Result<bool, Failure> {
        let args = ["--show-session-key", "--max-output", "1", "--decrypt"];
        let outcome = gpg::run(args, passphrase, self.head)?;
        if let Some((algorithm, session)) = outcome.statuses("SESSION_KEY").find_map(parse) {
            let opened = attempt(Some(algorithm), &session);
            self.damaged |= !opened;
            return Ok(opened);
        }
        self.reasons.push(format!("gpg: {}", outcome.reason()));
        Ok(false)
    }

    fn by_passphrase(&mut self, skesks: &[SKESK], attempt: Try<'_>) -> Result<bool, Failure> {
        let prompt = format!("Passphrase of {}: ", self.which);
        let Some(Passphrase(password)) = self.decryption.passphrase.get(&prompt)? else {
            return Ok(false);
        };
        let tried = skesks.iter().filter(|skesk| costs_little(skesk)).take(MOST_PASSPHRASES);
        let mut sessions = tried.filter_map(|skesk| skesk.decrypt(&password).ok());
        if sessions.any(|(algorithm, session)| attempt(algorithm, &session)) {
            return Ok(true);
        }
        if !skesks.iter().any(costs_little) {
            let why = "it turns the passphrase into a key by Argon2, which GnuPG 2.2 does not read";
            return Err(Failure::of(Status::Integrity, self.which, why));
        }
        self.reasons.push("the passphrase does not open it".into());
        Ok(false)
    }

    fn nothing_found(&self, pkesks: &[PKESK], skesks: &[SKESK]) -> Failure {
        if self.damaged {
            let message = format!("{}: damaged, its key does not open it", self.which);
            return Failure::new(Status::Integrity, message);
        }
        let mut openers: Vec<String> = pkesks.iter().map(|pkesk| name(pkesk.recipient())).collect();
        if !skesks.is_empty() {
            openers.push("a passphrase".into());
        }
        let mut message = format!("{}: encrypted to {}", self.which, openers.join(", "));
        message += ", but there is no key to open it";
        // Each key that was tried may have had the same reason.
        let mut reasons = self.reasons.clone();
        reasons.dedup();
        if !reasons.is_empty() {
            message += &format!(" ({})", reasons.join("; "));
        }
        Failure::new(Status::Key, message)
    }
}

impl Learned {
    fn unlock(
        &self,
        key: &Key<SecretParts, UnspecifiedRole>,
        passphrase: &PassphraseSource,
    ) -> Result<KeyPair, Failure> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = unlocked.entry(key.fingerprint());
        pair.or_insert_with(|| unlock(key.clone(), passphrase)).clone()
    }

    fn agent_knows(&self) -> bool {
        *self.agent_knows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a passphrase is turned into a key in the ways of GnuPG 2.2, which take a second at most. Argon2
/// takes as much memory and time as whoever made the message wishes.
fn costs_little(skesk: &SKESK) -> bool {
    let s2k = match skesk {
        SKESK::V4(skesk) => skesk.s2k(),
        SKESK::V6(skesk) => skesk.s2k(),
        _ => return false,
    };
    !matches!(s2k, S2K::Argon2 { .. })
}

/// A hidden recipient may be any key that can decrypt at all.
fn fits(key: &Key<SecretParts, UnspecifiedRole>, recipient: Option<KeyHandle>) -> bool {
    match recipient {
        Some(handle) => handle.aliases(key.key_handle()),
        None => key.pk_algo().for_encryption(),
    }
}

fn name(recipient: Option<KeyHandle>) -> String {
    recipient.map_or("a hidden key".into(), |handle| format!("{handle:X}"))
}

/// gpg's `ALGORITHM:HEX`.
fn parse(status: &str) -> Option<(SymmetricAlgorithm, SessionKey)> {
    let (algorithm, hex) = status.split_once(':')?;
    let algorithm = SymmetricAlgorithm::from(algorithm.trim().parse::<u8>().ok()?);
    let bytes = sequoia_openpgp::fmt::hex::decode(hex.trim()).ok()?;
    Some((algorithm, SessionKey::from(bytes)))
}
