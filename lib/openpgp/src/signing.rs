//! Signatures: who makes them, with a key from a file or in GnuPG, and whether one holds.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use failure::{Failure, Status, legible};
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::packet::key::{KeyRole, SecretParts};
use sequoia_openpgp::packet::one_pass_sig::OnePassSig3;
use sequoia_openpgp::packet::{Key, OnePassSig, Signature};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{VerificationError, VerificationResult};
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use sequoia_openpgp::types::{HashAlgorithm, RevocationStatus, SignatureType};
use sequoia_openpgp::{Cert, Fingerprint, Packet, PacketPile};

use crate::certificates::{
    PublicKey, WeakKeys, find_certificate, read_certificate, read_secret_key, signing_key,
};
use crate::errors::failure;
use crate::gpg::{self, Gpg, GpgOutcome};
use crate::passphrase::{Opened, Passphrase, PassphraseSource};

/// The hash of every signature.
pub(crate) const HASH: HashAlgorithm = HashAlgorithm::SHA512;

/// A key that signs.
#[derive(Clone)]
pub struct Signer {
    certificate: Cert,
    pub(crate) backend: SigningBackend,
}

/// What makes the signatures.
#[derive(Clone)]
pub(crate) enum SigningBackend {
    Software(Box<KeyPair>),
    GnuPG(Box<GnuPGSigningKey>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:X})", self.certificate.fingerprint())
    }
}

/// A file was named, or a key in GnuPG.
fn no_secret_key(spec: &OsStr, certificate: &Cert) -> Failure {
    let id = certificate.fingerprint();
    if Path::new(spec).is_file() {
        let why = format!("a certificate only, and GnuPG has no secret key for it ({id:X})");
        return Failure::of(Status::Key, failure::shown(spec), why);
    }
    Failure::new(Status::Key, format!("{id:X}: GnuPG has no such secret key"))
}

impl Signer {
    /// A secret key file of that name, else the key in GnuPG that `spec` stands for; it may also
    /// be the file of a certificate whose secret key GnuPG has.
    pub fn find(
        spec: impl AsRef<OsStr>,
        passphrase: &PassphraseSource,
        weak: WeakKeys,
    ) -> Result<Signer, Failure> {
        let path = Path::new(spec.as_ref());
        if path.is_file() && read_certificate(path)?.is_tsk() {
            return Signer::from_file(path, passphrase, weak);
        }
        Signer::from_gnupg(spec, passphrase, weak)
    }

    /// A key from a secret key file, unlocked with the passphrase if it is locked.
    pub fn from_file(
        path: &Path,
        passphrase: &PassphraseSource,
        weak: WeakKeys,
    ) -> Result<Signer, Failure> {
        let certificate = read_secret_key(path)?;
        let held: Vec<_> = certificate.keys().secret().collect();
        let at_hand = |id: &Fingerprint| held.iter().any(|key| key.key().fingerprint() == *id);
        let (key, is_weak) = signing_key(&certificate, weak, at_hand)?;
        let id = key.fingerprint();
        if is_weak {
            let why =
                "a weak key, with which only gpg signs: gpg --import the file, and name the key";
            let why = format!("{why} {:X}", certificate.fingerprint());
            return Err(Failure::of(Status::Key, failure::shown(path), why));
        }
        let secret = held.iter().find(|key| key.key().fingerprint() == id);
        let secret = secret.ok_or_else(|| Failure::new(Status::Key, "no secret key"))?;
        let pair = unlock(secret.key().clone(), &secret_key_name(&certificate), passphrase)?;
        let backend = SigningBackend::Software(Box::new(pair));
        Ok(Signer { certificate: certificate.strip_secret_key_material(), backend })
    }

    /// A key that GnuPG has. It stays there; that it can sign is tried at once.
    pub fn from_gnupg(
        spec: impl AsRef<OsStr>,
        passphrase: &PassphraseSource,
        weak: WeakKeys,
    ) -> Result<Signer, Failure> {
        let certificate = find_certificate(&spec)?;
        let at_hand = secret_keys_in_gnupg(&certificate)?;
        if at_hand.is_empty() {
            return Err(no_secret_key(spec.as_ref(), &certificate));
        }
        let (key, _) = signing_key(&certificate, weak, |id| at_hand.contains(id))?;
        let backend =
            SigningBackend::GnuPG(Box::new(GnuPGSigningKey::open(key, passphrase.given()?)?));
        Ok(Signer { certificate, backend })
    }

    /// The certificate that the signatures are checked with.
    pub fn certificate(&self) -> &Cert {
        &self.certificate
    }
}

/// A secret key as moo-keygen prints it, and whose it is.
pub(crate) fn secret_key_name(certificate: &Cert) -> String {
    let id = certificate.fingerprint();
    match certificate.userids().next() {
        Some(user) => {
            format!("secret key {id:X} ({})", legible::line(user.userid().value()))
        }
        None => format!("secret key {id:X}"),
    }
}

/// The secret part of a key, unlocked if need be; `which` is its name.
pub(crate) fn unlock<R>(
    key: Key<SecretParts, R>,
    which: &str,
    passphrase: &PassphraseSource,
) -> Result<KeyPair, Failure>
where
    R: KeyRole,
{
    let key = key.role_into_unspecified();
    if key.has_unencrypted_secret() {
        return key.into_keypair().map_err(|error| failure(error, Status::Key, which));
    }
    let no = |why: &str| Failure::of(Status::Key, which, why);
    let open = |Passphrase(password): &_| key.clone().decrypt_secret(password).ok();
    match passphrase.open(which, open)? {
        Opened::With(open) => {
            open.into_keypair().map_err(|error| failure(error, Status::Key, which))
        }
        Opened::Wrong => Err(no("locked with another passphrase")),
        Opened::Without => Err(no("locked, and no passphrase is given")),
    }
}

/// A secret key that stays in GnuPG: its agent or a card signs.
#[derive(Clone, Debug)]
pub(crate) struct GnuPGSigningKey {
    key: PublicKey,
    passphrase: Option<Passphrase>,
}

/// The keys of a certificate whose secret part GnuPG has itself or knows on which card it is.
pub(crate) fn secret_keys_in_gnupg(cert: &Cert) -> Result<Vec<Fingerprint>, Failure> {
    let id = format!("0x{:X}", cert.fingerprint());
    let list = gpg::run(["--with-colons", "--list-secret-keys", "--", &id], None, b"")?;
    let mut found = Vec::new();
    let mut at_hand = false;
    for line in list.stdout.split(|byte| *byte == b'\n') {
        let fields: Vec<_> = line.split(|byte| *byte == b':').collect();
        let field = |at: usize| fields.get(at).and_then(|field| str::from_utf8(field).ok());
        match field(0) {
            // Field 15 is "#" where only a stub is left.
            Some("sec" | "ssb") => at_hand = field(14) != Some("#"),
            Some("fpr") if at_hand => found.extend(field(9).and_then(|id| id.parse().ok())),
            _ => {}
        }
    }
    Ok(found)
}

impl GnuPGSigningKey {
    /// Signs an empty text, with the passphrase and then without: the agent may have another one. A
    /// key that can't be used is found before anything is encrypted.
    pub(crate) fn open(key: PublicKey, passphrase: Option<Passphrase>) -> Result<Self, Failure> {
        let key = GnuPGSigningKey { key, passphrase };
        if key.passphrase.is_none() {
            return key.detached(b"").map(|_| key);
        }
        let Err(refused) = key.detached(b"") else {
            return Ok(key);
        };
        let agent = GnuPGSigningKey { passphrase: None, ..key };
        agent.detached(b"").map(|_| agent).map_err(|_| refused)
    }

    /// The packet that announces the signature in front of the signed data.
    pub(crate) fn announcement(&self) -> Packet {
        let mut packet = OnePassSig3::new(SignatureType::Binary);
        packet.set_pk_algo(self.key.pk_algo());
        packet.set_hash_algo(HASH);
        packet.set_issuer(self.key.keyid());
        packet.set_last(true);
        OnePassSig::from(packet).into()
    }

    /// Starts to sign what is fed to it.
    pub(crate) fn start(&self) -> Result<Gpg, Failure> {
        self.call(&["--no-armor", "--detach-sign"])
    }

    /// The signature over all that was fed.
    pub(crate) fn finish(&self, gpg: Gpg) -> Result<Packet, Failure> {
        let outcome = self.succeeded(gpg.finish()?)?;
        let packets = PacketPile::from_bytes(&outcome.stdout).ok();
        match packets.map(|pile| pile.into_children().collect::<Vec<_>>()).as_deref() {
            Some([Packet::Signature(signature)]) if self.is_announced(signature) => {
                Ok(Packet::Signature(signature.clone()))
            }
            _ => Err(self.failure("made another kind of signature than asked for")),
        }
    }

    /// A cleartext-signed text.
    pub(crate) fn cleartext(&self, text: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut gpg = self.call(&["--clear-sign"])?;
        gpg.feed(text);
        Ok(self.succeeded(gpg.finish()?)?.stdout)
    }

    fn detached(&self, text: &[u8]) -> Result<Packet, Failure> {
        let mut gpg = self.start()?;
        gpg.feed(text);
        self.finish(gpg)
    }

    fn call(&self, what: &[&str]) -> Result<Gpg, Failure> {
        let key = format!("{:X}!", self.key.fingerprint());
        let hash = HASH.to_string();
        let common =
            ["--digest-algo", &hash, "--no-emit-version", "--no-comments", "--local-user", &key];
        Gpg::start(common.iter().chain(what), self.passphrase.as_ref())
    }

    fn is_announced(&self, signature: &Signature) -> bool {
        signature.typ() == SignatureType::Binary
            && signature.hash_algo() == HASH
            && signature.pk_algo() == self.key.pk_algo()
    }

    fn succeeded(&self, outcome: GpgOutcome) -> Result<GpgOutcome, Failure> {
        if outcome.success { Ok(outcome) } else { Err(self.failure(&outcome.reason())) }
    }

    fn failure(&self, why: &str) -> Failure {
        let id = self.key.fingerprint();
        Failure::new(Status::Key, format!("signing key {id:X}: gpg: {why}"))
    }
}

/// The certificate whose key has made a signature that holds.
///
/// When a key is extended, GnuPG replaces the self-signatures of its certificate. Sequoia looks for those
/// of the signature's own time, and finds none. GnuPG looks at the key as it is now, and so does this.
pub(crate) fn signer_of(
    result: VerificationResult<'_>,
) -> Result<Fingerprint, VerificationError<'_>> {
    match result {
        Ok(good) => Ok(good.ka.cert().fingerprint()),
        Err(VerificationError::UnboundKey { sig, cert, .. }) if holds_now(sig, cert) => {
            Ok(cert.fingerprint())
        }
        Err(error) => Err(error),
    }
}

/// Whether a key of the certificate as it is now has made the signature, while it was valid.
fn holds_now(signature: &Signature, cert: &Cert) -> bool {
    let policy = StandardPolicy::new();
    let Some(made) = signature.signature_creation_time() else { return false };
    let is_sound = signature.signature_alive(None, None).is_ok()
        && policy.signature(signature, HashAlgoSecurity::CollisionResistance).is_ok();
    let valid = cert.with_policy(&policy, None);
    let is_revoked = |status| matches!(status, RevocationStatus::Revoked(_));
    if !is_sound || !valid.is_ok_and(|cert| !is_revoked(cert.revocation_status())) {
        return false;
    }
    let keys = cert.keys().with_policy(&policy, None).supported().for_signing();
    keys.key_handles(signature.get_issuers()).any(|key| {
        let had_begun = key.key().creation_time() <= made;
        let had_expired = key.key_expiration_time().is_some_and(|end| end <= made);
        let is_current = had_begun && !had_expired && !is_revoked(key.revocation_status());
        is_current && signature.verify_document(key.key()).is_ok()
    })
}
