//! New keys, in the form that GnuPG 2.2 imports and asks its peers to use.

use std::time::Duration;

use failure::{Failure, Status};
use sequoia_openpgp::armor::{Kind, Writer};
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::{Marshal, SerializeInto};
use sequoia_openpgp::types::{CompressionAlgorithm, Features, KeyFlags, SignatureType};
use sequoia_openpgp::{Cert, Fingerprint, Packet, Profile};

use crate::passphrase::Passphrase;
use crate::trouble::failure;

/// A new key and its papers, each armored.
#[derive(Clone, Debug)]
pub struct Generated {
    /// For everybody who encrypts or checks signatures.
    pub certificate: Vec<u8>,
    /// The secret key, locked if a passphrase was given.
    pub secret: Vec<u8>,
    /// Imported by everybody who has the certificate, this declares it void.
    pub revocation: Vec<u8>,
    /// The name of the key.
    pub fingerprint: Fingerprint,
}

/// Makes a version 4 key: Ed25519 for certifying and signing and, if asked for, a subkey of
/// Curve25519 for encryption.
pub fn generate(
    user_id: &str,
    with_encryption_subkey: bool,
    passphrase: Option<&Passphrase>,
    expiry: Option<Duration>,
) -> Result<Generated, Failure> {
    build(user_id, with_encryption_subkey, passphrase, expiry)
        .map_err(|error| failure(error, Status::Failed, "new key"))
}

fn build(
    user_id: &str,
    with_encryption_subkey: bool,
    passphrase: Option<&Passphrase>,
    expiry: Option<Duration>,
) -> anyhow::Result<Generated> {
    let builder = CertBuilder::new()
        .set_profile(Profile::RFC4880)?
        .set_cipher_suite(CipherSuite::Cv25519)
        // Not the newer kind of encryption: whoever took us at our word would shut GnuPG 2.2 out.
        .set_features(Features::empty().set_seipdv1())?
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .set_validity_period(expiry)
        .add_userid_with(user_id, preferences()?)?
        .set_password(passphrase.map(|Passphrase(password)| password.clone()));
    let builder = if with_encryption_subkey {
        let flags = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
        builder.add_subkey(flags, None, None)
    } else {
        builder
    };
    let (cert, revocation) = builder.generate()?;
    papers(&cert, &Packet::from(revocation))
}

/// What the certificate does not say already by sequoia's own choice.
fn preferences() -> anyhow::Result<SignatureBuilder> {
    SignatureBuilder::new(SignatureType::PositiveCertification)
        .set_preferred_compression_algorithms(vec![
            CompressionAlgorithm::Zlib,
            CompressionAlgorithm::Zip,
        ])
}

fn papers(cert: &Cert, revocation: &Packet) -> anyhow::Result<Generated> {
    // GnuPG takes a lone revocation only under the name of a public key.
    let mut armored = Writer::new(Vec::new(), Kind::PublicKey)?;
    revocation.serialize(&mut armored)?;
    Ok(Generated {
        certificate: cert.clone().strip_secret_key_material().armored().to_vec()?,
        secret: cert.as_tsk().armored().to_vec()?,
        revocation: armored.finalize()?,
        fingerprint: cert.fingerprint(),
    })
}
