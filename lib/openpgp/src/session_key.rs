//! The session key of a message: from a secret key file, from GnuPG, or from a passphrase.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use failure::{Failure, Status};
use sequoia_openpgp::crypto::{KeyPair, Password, S2K, SessionKey};
use sequoia_openpgp::packet::key::{SecretParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, PKESK, SKESK};
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, Fingerprint, KeyHandle};

use crate::asked::{Asked, Found};
use crate::gpg;
use crate::message::MessageHead;
use crate::packets::shortened;
use crate::passphrase::{Opened, Passphrase, PassphraseSource};
use crate::signing::{secret_key_name, unlock};

/// How many passphrase packets of a message are tried: each may take a second, and a message has room
/// for thousands.
const MOST_PASSPHRASES: usize = 8;
/// How many session keys are remembered that a passphrase has given.
const MOST_REMEMBERED: usize = 4;

/// Tries a session key on the message.
pub(crate) type Try<'a> = &'a mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool;

/// A session key, and the cipher that it is for.
type Derived = (Option<SymmetricAlgorithm>, SessionKey);

/// What opens messages: secret keys, a passphrase, and GnuPG. It remembers what it learns from one
/// message for the next.
pub struct KeyAccess {
    /// Secret keys from files.
    pub secrets: Vec<Cert>,
    /// What unlocks a secret key, or opens a message that was encrypted with a passphrase.
    pub passphrase: PassphraseSource,
    /// Whether to ask GnuPG for what the secret keys here don't open.
    pub gnupg: bool,
    /// Unlocked secret keys, or why they could not be unlocked.
    unlocked: Mutex<HashMap<Fingerprint, Result<KeyPair, Failure>>>,
    /// The last passphrase packets with a passphrase each, and their session keys; `None` if the passphrase
    /// does not open one.
    derived: Mutex<VecDeque<(SKESK, Password, Option<Derived>)>>,
    /// GnuPG needs no passphrase from here.
    agent_knows: AtomicBool,
    asked: Asked,
}

impl KeyAccess {
    /// A passphrase alone; the public fields are for the caller to set.
    pub fn new(passphrase: PassphraseSource) -> KeyAccess {
        KeyAccess {
            secrets: Vec::new(),
            passphrase,
            gnupg: false,
            unlocked: Mutex::default(),
            derived: Mutex::default(),
            agent_knows: AtomicBool::new(false),
            asked: Asked::default(),
        }
    }

    /// Asks for the passphrase of the secret keys on the terminal, if they are locked and nothing
    /// else gives one. Returns it, for the other stages of a command.
    ///
    /// # Errors
    /// It was wrong each time.
    pub fn ask(&self) -> Result<Option<Passphrase>, Failure> {
        if self.passphrase.given()?.is_some() {
            return Ok(None);
        }
        let keys =
            self.secrets.iter().flat_map(|cert| cert.keys().secret().map(move |key| (cert, key)));
        let decrypts = |key: &Key<SecretParts, UnspecifiedRole>| {
            key.pk_algo().for_encryption() && key.pk_algo().is_supported()
        };
        let locked = keys.filter(|(_, key)| !key.key().has_unencrypted_secret());
        let Some((cert, key)) = locked.into_iter().find(|(_, key)| decrypts(key.key())) else {
            return Ok(None);
        };
        let (key, which) = (key.key(), secret_key_name(cert));
        let open = |Passphrase(password): &_| key.clone().decrypt_secret(password).ok();
        match self.passphrase.open(&which, open)? {
            Opened::With(_) => Ok(self.passphrase.typed()),
            Opened::Wrong => Err(Failure::of(Status::Key, which, "locked with another passphrase")),
            Opened::Without => Ok(None),
        }
    }

    fn unlock(
        &self,
        cert: &Cert,
        key: &Key<SecretParts, UnspecifiedRole>,
    ) -> Result<KeyPair, Failure> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = unlocked.entry(key.fingerprint());
        let unlocked = || unlock(key.clone(), &secret_key_name(cert), &self.passphrase);
        pair.or_insert_with(unlocked).clone()
    }

    /// Turns the passphrase, if one was given, into the session key of a message that only passphrases
    /// open. If it may, asks GnuPG for the session key of another message, which begins with `first`.
    pub(crate) fn prepare(&self, head: &MessageHead, first: &[u8], may_ask: bool) {
        if !head.pkesks.is_empty() {
            if may_ask && self.asked.is_likely(&head.pkesks) {
                // What fails here is done again, and reported, when it is needed.
                _ = self.ask_ahead(&head.pkesks, first);
            }
            return;
        }
        let first = head.skesks.first().filter(|skesk| costs_little(skesk));
        if let (Some(skesk), Ok(Some(passphrase))) = (first, self.passphrase.given()) {
            self.derive(skesk, &passphrase);
        }
    }

    fn ask_ahead(&self, pkesks: &[PKESK], first: &[u8]) -> Result<(), Failure> {
        let passphrase = self.passphrase.given()?;
        let passphrase = passphrase.filter(|_| !self.agent_knows.load(Ordering::Relaxed));
        self.ask_gnupg(passphrase.as_ref(), pkesks, first).map(drop)
    }

    /// Asks GnuPG for the session key of a message that begins with `first`. Returns what it said last if it
    /// tells none.
    fn ask_gnupg(
        &self,
        passphrase: Option<&Passphrase>,
        pkesks: &[PKESK],
        first: &[u8],
    ) -> Result<Result<Found, String>, Failure> {
        let args = ["--show-session-key", "--max-output", "1", "--decrypt"];
        // gpg prints the session key before it misses the rest of the message, and would decrypt all that it
        // gets.
        let outcome = gpg::run(args, passphrase, &shortened(first))?;
        let Some(found) = outcome.statuses("SESSION_KEY").find_map(parse) else {
            return Ok(Err(outcome.reason()));
        };
        self.asked.remember(pkesks, found.clone());
        Ok(Ok(found))
    }

    /// The session key in a passphrase packet.
    fn derive(&self, skesk: &SKESK, Passphrase(password): &Passphrase) -> Option<Derived> {
        let derived = || self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |(known, by, _): &&(SKESK, Password, _)| known == skesk && by == password;
        if let Some((.., found)) = derived().iter().find(is_this) {
            return found.clone();
        }
        // A wrong passphrase may give an algorithm that does not exist.
        let found = skesk.decrypt(password).ok();
        let found = found.filter(|(algorithm, session)| is_possible(*algorithm, session));
        let mut derived = derived();
        derived.push_back((skesk.clone(), password.clone(), found.clone()));
        if derived.len() > MOST_REMEMBERED {
            derived.pop_front();
        }
        found
    }
}

/// The search for the session key of one message.
pub(crate) struct SessionKeySearch<'a> {
    keys: &'a KeyAccess,
    which: &'a str,
    /// The beginning of the message, for GnuPG.
    head: &'a [u8],
    /// Why a key that fits could not be used.
    reasons: Vec<String>,
    /// A session key was found, but does not open the message.
    damaged: bool,
}

impl<'a> SessionKeySearch<'a> {
    pub(crate) fn new(keys: &'a KeyAccess, which: &'a str, head: &'a [u8]) -> SessionKeySearch<'a> {
        SessionKeySearch { keys, which, head, reasons: Vec::new(), damaged: false }
    }

    /// Tries all keys, last those for which a person may be asked.
    pub(crate) fn run(
        mut self,
        pkesks: &[PKESK],
        skesks: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        attempt: Try<'_>,
    ) -> Result<(), Failure> {
        if self.by_files(pkesks, algorithm, attempt)
            || (!pkesks.is_empty() && self.by_gnupg(pkesks, attempt)?)
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
        let secrets = &self.keys.secrets;
        named.into_iter().chain(hidden).any(|pkesk| {
            let keys = secrets
                .iter()
                .flat_map(|cert| cert.keys().secret().map(move |key| (cert, key.key())));
            let mut fitting = keys.filter(|(_, key)| fits(key, pkesk.recipient()));
            fitting.any(|key| self.by_key(key, pkesk, algorithm, attempt))
        })
    }

    fn by_key(
        &mut self,
        (cert, key): (&Cert, &Key<SecretParts, UnspecifiedRole>),
        pkesk: &PKESK,
        algorithm: Option<SymmetricAlgorithm>,
        attempt: Try<'_>,
    ) -> bool {
        let mut pair = match self.keys.unlock(cert, key) {
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

    fn by_gnupg(&mut self, pkesks: &[PKESK], attempt: Try<'_>) -> Result<bool, Failure> {
        if !self.keys.gnupg {
            return Ok(false);
        }
        if let Some((algorithm, session)) = self.keys.asked.find(pkesks)
            && attempt(Some(algorithm), &session)
        {
            return Ok(true);
        }
        let passphrase = self.keys.passphrase.given()?;
        if passphrase.is_some()
            && !self.keys.agent_knows.load(Ordering::Relaxed)
            && self.ask_gnupg(passphrase.as_ref(), pkesks, attempt)?
        {
            return Ok(true);
        }
        let found = self.ask_gnupg(None, pkesks, attempt)?;
        self.keys.agent_knows.store(found, Ordering::Relaxed);
        Ok(found)
    }

    fn ask_gnupg(
        &mut self,
        passphrase: Option<&Passphrase>,
        pkesks: &[PKESK],
        attempt: Try<'_>,
    ) -> Result<bool, Failure> {
        match self.keys.ask_gnupg(passphrase, pkesks, self.head)? {
            Ok((algorithm, session)) => {
                let opened = attempt(Some(algorithm), &session);
                self.damaged |= !opened;
                Ok(opened)
            }
            Err(reason) => {
                self.reasons.push(format!("gpg: {reason}"));
                Ok(false)
            }
        }
    }

    fn by_passphrase(&mut self, skesks: &[SKESK], attempt: Try<'_>) -> Result<bool, Failure> {
        let open = |passphrase: &Passphrase| {
            let tried = skesks.iter().filter(|skesk| costs_little(skesk)).take(MOST_PASSPHRASES);
            let mut sessions = tried.filter_map(|skesk| self.keys.derive(skesk, passphrase));
            sessions.any(|(algorithm, session)| attempt(algorithm, &session)).then_some(())
        };
        match self.keys.passphrase.open(self.which, open)? {
            Opened::With(()) => return Ok(true),
            Opened::Without => return Ok(false),
            Opened::Wrong => {}
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
            return Failure::of(Status::Integrity, self.which, "damaged, its key does not open it");
        }
        let mut openers: Vec<String> = pkesks.iter().map(|pkesk| name(pkesk.recipient())).collect();
        if !skesks.is_empty() {
            openers.push("a passphrase".into());
        }
        let openers = openers.join(", ");
        let mut why = format!("encrypted to {openers}, but there is no key to open it");
        // Each key that was tried may have had the same reason.
        let mut reasons = self.reasons.clone();
        reasons.dedup();
        if !reasons.is_empty() {
            why += &format!(" ({})", reasons.join("; "));
        }
        Failure::of(Status::Key, self.which, why)
    }
}

/// Whether a passphrase becomes a key in a way of GnuPG 2.2, which takes a second at most. Argon2 takes as
/// much memory and time as the maker of the message wishes.
fn costs_little(skesk: &SKESK) -> bool {
    let s2k = match skesk {
        SKESK::V4(skesk) => skesk.s2k(),
        SKESK::V6(skesk) => skesk.s2k(),
        _ => return false,
    };
    !matches!(s2k, S2K::Argon2 { .. })
}

/// Whether the session key is as long as one of that algorithm.
fn is_possible(algorithm: Option<SymmetricAlgorithm>, session: &SessionKey) -> bool {
    algorithm.is_none_or(|algorithm| algorithm.key_size().is_ok_and(|size| size == session.len()))
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
fn parse(status: &str) -> Option<Found> {
    let (algorithm, hex) = status.split_once(':')?;
    let algorithm = SymmetricAlgorithm::from(algorithm.trim().parse::<u8>().ok()?);
    let bytes = sequoia_openpgp::fmt::hex::decode(hex.trim()).ok()?;
    Some((algorithm, SessionKey::from(bytes)))
}
