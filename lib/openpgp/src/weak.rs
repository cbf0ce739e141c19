//! Why a key is too weak for something new, though GnuPG still takes it.

use std::sync::LazyLock;

use failure::{Failure, Status};
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::amalgamation::key::PrimaryKey;
use sequoia_openpgp::policy::{AsymmetricAlgorithm, StandardPolicy};
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm};

use crate::usable::{Candidate, PublicKey, check_signing_key, extend, mend, name};

/// The fewest bits of an RSA key.
const RSA_BITS: usize = 2048;

/// What is too weak in a certificate: in its primary key, in its keys that fit, or in what binds
/// them together; none if it is not weak.
pub(crate) fn weakness(cert: &Cert, fits: impl Fn(&Candidate<'_>) -> bool) -> Option<Failure> {
    let no = |why: &str| Some(Failure::of(Status::Key, name(cert), why));
    let valid = cert.keys().with_policy(&*LENIENT, None);
    let keys: Vec<_> = valid.filter(|key| key.primary() || fits(key)).collect();
    if let Some(kind) = keys.iter().find_map(|key| weak_kind(key.key())) {
        return no(&format!(
            "it has a key of {kind}, which is too weak (make a new one: moo keygen)"
        ));
    }
    let is_broken = |hash: HashAlgorithm| {
        matches!(hash, HashAlgorithm::SHA1 | HashAlgorithm::MD5 | HashAlgorithm::RipeMD)
    };
    let hash = keys.iter().map(|key| key.binding_signature().hash_algo());
    let hash = hash.into_iter().find(|hash| is_broken(*hash))?;
    let mend = mend("to sign it anew", &extend(cert, "20y"));
    no(&format!("its self-signatures are made with {hash}, which is broken ({mend})"))
}

/// What takes all that old versions of GnuPG have made: only to say what it is, and for what gpg does.
pub(crate) static LENIENT: LazyLock<StandardPolicy<'static>> = LazyLock::new(|| {
    use AsymmetricAlgorithm::{
        DSA1024, DSA2048, DSA3072, DSA4096, ElGamal1024, ElGamal2048, ElGamal3072, ElGamal4096,
        RSA1024,
    };
    let mut policy = StandardPolicy::new();
    for hash in [HashAlgorithm::SHA1, HashAlgorithm::MD5, HashAlgorithm::RipeMD] {
        policy.accept_hash(hash);
    }
    for kind in [
        RSA1024,
        DSA1024,
        DSA2048,
        DSA3072,
        DSA4096,
        ElGamal1024,
        ElGamal2048,
        ElGamal3072,
        ElGamal4096,
    ] {
        policy.accept_asymmetric_algo(kind);
    }
    policy
});

/// Whether weak keys are used, which gpg alone does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeakKeys {
    /// Never: an option does not change it.
    #[default]
    Never,
    /// Not without `--allow-weak-keys`, which the message names.
    Refused,
    /// With `--allow-weak-keys`.
    ByGpg,
}

impl WeakKeys {
    /// Nothing where a weak key may be used, else why it may not be.
    pub(crate) fn check(self, weakness: Failure) -> Result<(), Failure> {
        match self {
            WeakKeys::Never => Err(weakness),
            WeakKeys::Refused => {
                let hint = "to use it as it is, by gpg, give --allow-weak-keys";
                Err(Failure::new(Status::Key, format!("{}; {hint}", weakness.message())))
            }
            WeakKeys::ByGpg => Ok(()),
        }
    }
}

/// The kind of a key that is too weak.
#[allow(deprecated)]
fn weak_kind(key: &PublicKey) -> Option<String> {
    use PublicKeyAlgorithm::{DSA, ElGamalEncrypt, ElGamalEncryptSign};
    match key.pk_algo() {
        DSA => Some("DSA".into()),
        ElGamalEncrypt | ElGamalEncryptSign => Some("Elgamal".into()),
        _ => {
            let is_rsa = matches!(key.mpis(), sequoia_openpgp::crypto::mpi::PublicKey::RSA { .. });
            let bits = key.mpis().bits().filter(|bits| is_rsa && *bits < RSA_BITS);
            bits.map(|bits| format!("RSA with {bits} bits"))
        }
    }
}

/// Refuses signers none of whose signatures could be accepted, since their keys are too weak.
///
/// # Errors
/// [`Status::Key`] with the reason and what GnuPG can do.
pub fn refuse_weak_signers(signers: &[Cert]) -> Result<(), Failure> {
    let mut weak = None;
    for cert in signers {
        match check_signing_key(cert) {
            Some(failure) => weak = Some(failure),
            None => return Ok(()),
        }
    }
    weak.map_or(Ok(()), |failure| {
        let hint = "its signatures are not accepted: gpg can check them, and without this option \
                    they are not checked";
        Err(Failure::new(Status::Key, format!("{}; {hint}", failure.message())))
    })
}
