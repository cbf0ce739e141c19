//! Signing keys: held in memory from a file, or left with GnuPG.

use std::fmt;
use std::path::Path;

use failure::{Failure, Status};
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{KeyRole, SecretParts};
use sequoia_openpgp::types::HashAlgorithm;
use sequoia_openpgp::{Cert, Fingerprint};

use crate::certificates::{find_certificate, read_certificate, read_secret_key};
use crate::gnupg_key::{GnuPGKey, secret_keys_in_gnupg};
use crate::passphrase::{Passphrase, PassphraseSource};
use crate::trouble::failure;
use crate::usable::signing_key;
use crate::weak::WeakKeys;

/// Every signature is made over this hash.
pub(crate) const HASH: HashAlgorithm = HashAlgorithm::SHA512;

/// A key that signs.
#[derive(Clone)]
pub struct Signer {
    certificate: Cert,
    pub(crate) hand: Hand,
}

/// What makes the signature.
#[derive(Clone)]
pub(crate) enum Hand {
    Held(Box<KeyPair>),
    GnuPG(Box<GnuPGKey>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:X})", self.certificate.fingerprint())
    }
}

impl Signer {
    /// A secret key file of that name, else the key in GnuPG that `spec` stands for; it may also
    /// be the file of a certificate whose secret key GnuPG has.
    pub fn find(
        spec: &str,
        passphrase: &PassphraseSource,
        weak: WeakKeys,
    ) -> Result<Signer, Failure> {
        let path = Path::new(spec);
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
            let message = format!("{}: {why} {:X}", path.display(), certificate.fingerprint());
            return Err(Failure::new(Status::Key, message));
        }
        let secret = held.iter().find(|key| key.key().fingerprint() == id);
        let secret = secret.ok_or_else(|| Failure::new(Status::Key, "no secret key"))?;
        let pair = unlock(secret.key().clone(), passphrase)?;
        let hand = Hand::Held(Box::new(pair));
        Ok(Signer { certificate: certificate.strip_secret_key_material(), hand })
    }

    /// A key that GnuPG has. It stays there; that it can sign is tried at once.
    pub fn from_gnupg(
        spec: &str,
        passphrase: &PassphraseSource,
        weak: WeakKeys,
    ) -> Result<Signer, Failure> {
        let certificate = find_certificate(spec)?;
        let at_hand = secret_keys_in_gnupg(&certificate)?;
        if at_hand.is_empty() {
            let id = certificate.fingerprint();
            return Err(Failure::new(Status::Key, format!("{id:X}: GnuPG has no such secret key")));
        }
        let (key, _) = signing_key(&certificate, weak, |id| at_hand.contains(id))?;
        let hand = Hand::GnuPG(Box::new(GnuPGKey::open(key, passphrase.given()?)?));
        Ok(Signer { certificate, hand })
    }

    /// The certificate that the signatures are checked with.
    pub fn certificate(&self) -> &Cert {
        &self.certificate
    }
}

/// The secret part of a key, unlocked if need be.
pub(crate) fn unlock<R>(
    key: Key<SecretParts, R>,
    passphrase: &PassphraseSource,
) -> Result<KeyPair, Failure>
where
    R: KeyRole,
{
    let key = key.role_into_unspecified();
    let which = format!("secret key {:X}", key.fingerprint());
    if key.has_unencrypted_secret() {
        return key.into_keypair().map_err(|error| failure(error, Status::Key, &which));
    }
    let no = |why: &str| Failure::of(Status::Key, &which, why);
    let Some(Passphrase(password)) = passphrase.get(&format!("Passphrase of {which}: "))? else {
        return Err(no("locked, and no passphrase is given"));
    };
    let open = key.decrypt_secret(&password).map_err(|_| no("locked with another passphrase"))?;
    open.into_keypair().map_err(|error| failure(error, Status::Key, &which))
}
