//! Certificates and secret keys: found in files or in GnuPG's keyring, chosen for a purpose, too weak
//! for one, and made anew.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use failure::{Failure, OrFail, Status, legible};
use sequoia_openpgp::armor::{Kind, Writer};
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::cert::amalgamation::key::{PrimaryKey, ValidKeyAmalgamation};
use sequoia_openpgp::cert::{CertBuilder, CertParser, CipherSuite};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::{AsymmetricAlgorithm, StandardPolicy};
use sequoia_openpgp::serialize::{Marshal, SerializeInto};
use sequoia_openpgp::types::{
    CompressionAlgorithm, Features, HashAlgorithm, KeyFlags, PublicKeyAlgorithm, RevocationStatus,
    SignatureType,
};
use sequoia_openpgp::{Cert, Fingerprint, Packet, Profile};

use crate::errors::failure;
use crate::gpg;
use crate::passphrase::Passphrase;

/// Lengths of what counts as a key ID or fingerprint, in hexadecimal digits.
const ID_LENGTHS: [usize; 3] = [8, 16, 40];

/// The certificate that a user means: a file of that name, else a fingerprint, a key ID (of the
/// primary key or a subkey) or a user ID in the user's GnuPG keyring.
pub fn find_certificate(spec: impl AsRef<OsStr>) -> Result<Cert, Failure> {
    let spec = spec.as_ref();
    let (path, which) = (Path::new(spec), failure::shown(spec).to_string());
    if path.is_file() {
        return read_certificate(path);
    }
    if spec.as_bytes().trim_ascii().is_empty() {
        return Err(Failure::of(Status::Key, which, "no such key"));
    }
    if spec.as_bytes().contains(&b'/') {
        // It says why: it is missing, or it can't be read, or it is a folder.
        return read_certificate(path);
    }
    let term = search_term(spec);
    let outcome = gpg::run([OsStr::new("--export"), OsStr::new("--"), &term], None, b"")?;
    if !outcome.success {
        return Err(Failure::of(Status::Key, which, format!("gpg: {}", outcome.reason())));
    }
    only_one(&which, &outcome.stdout, "no such certificate in the GnuPG keyring")
}

/// The one certificate in a file, armored or binary.
pub fn read_certificate(path: &Path) -> Result<Cert, Failure> {
    let which = failure::shown(path).to_string();
    let bytes = std::fs::read(path).or_fail(Status::Key, &which)?;
    only_one(&which, &bytes, "no OpenPGP certificate in this file")
}

/// The one secret key in a file, armored or binary; it may be locked.
pub fn read_secret_key(path: &Path) -> Result<Cert, Failure> {
    let cert = read_certificate(path)?;
    if cert.is_tsk() {
        return Ok(cert);
    }
    let why = "a certificate only, without its secret key";
    Err(Failure::of(Status::Key, failure::shown(path), why))
}

/// A key ID or fingerprint in the form that gpg takes for nothing else; a user ID as it is.
fn search_term(spec: &OsStr) -> OsString {
    let Some(text) = spec.to_str() else { return spec.to_owned() };
    let dense: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let digits = dense.strip_prefix("0x").or_else(|| dense.strip_prefix("0X")).unwrap_or(&dense);
    let is_id = ID_LENGTHS.contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    if is_id { format!("0x{digits}").into() } else { spec.to_owned() }
}

fn only_one(which: &str, bytes: &[u8], missing: &str) -> Result<Cert, Failure> {
    let no = |why: &str| Failure::of(Status::Key, which, why);
    if bytes.is_empty() {
        return Err(no(missing));
    }
    let mut certs = CertParser::from_bytes(bytes).map_err(|_| no(missing))?;
    let first = certs.next().ok_or_else(|| no(missing))?;
    let first = first.map_err(|error| failure(error, Status::Key, which))?;
    match certs.next() {
        None => Ok(first),
        Some(Ok(second)) if second.fingerprint() == first.fingerprint() => Ok(first),
        Some(_) => Err(no("matches more than one certificate (give a fingerprint)")),
    }
}

/// The public part of a primary key or subkey.
pub(crate) type PublicKey = Key<PublicParts, UnspecifiedRole>;
pub(crate) type Candidate<'a> = ValidKeyAmalgamation<'a, PublicParts, UnspecifiedRole, bool>;

/// The key that GnuPG would encrypt to: the newest usable one that is meant for encryption.
pub fn encryption_key(cert: &Cert) -> Result<PublicKey, Failure> {
    find(cert, "encryption", for_encryption, WeakKeys::Never).map(|(key, _)| key)
}

/// Whether only gpg can encrypt to a certificate, since its key is weak.
pub(crate) fn needs_gpg(cert: &Cert, weak: WeakKeys) -> Result<bool, Failure> {
    find(cert, "encryption", for_encryption, weak).map(|(_, is_weak)| is_weak)
}

fn for_encryption(key: &Candidate<'_>) -> bool {
    key.for_transport_encryption() || key.for_storage_encryption()
}

/// The key that GnuPG would sign with, of those whose secret part is at hand; and whether it is weak.
pub(crate) fn signing_key(
    cert: &Cert,
    weak: WeakKeys,
    at_hand: impl Fn(&Fingerprint) -> bool,
) -> Result<(PublicKey, bool), Failure> {
    let fits = |key: &Candidate<'_>| key.for_signing() && at_hand(&key.key().fingerprint());
    find(cert, "signing", fits, weak)
}

/// The newest key that is good for something new; else, if weak ones are used, the newest of those.
fn find(
    cert: &Cert,
    purpose: &str,
    fits: impl Fn(&Candidate<'_>) -> bool,
    weak: WeakKeys,
) -> Result<(PublicKey, bool), Failure> {
    let ours = |key: &Candidate<'_>| key.key().pk_algo().is_supported() && fits(key);
    let failure = match newest(cert, &StandardPolicy::new(), purpose, ours) {
        Ok(key) => return Ok((key, false)),
        Err(failure) => failure,
    };
    let Some(weakness) = weakness(cert, &fits) else { return Err(failure) };
    weak.check(weakness)?;
    newest(cert, &LENIENT, purpose, &fits).map(|key| (key, true))
}

/// Why no signature of a certificate could be accepted, if its keys are too weak.
pub(crate) fn check_signing_key(cert: &Cert) -> Option<Failure> {
    let fits = |key: &Candidate<'_>| key.for_signing();
    let policy = StandardPolicy::new();
    let is_strong = cert.keys().with_policy(&policy, None).supported().any(|key| fits(&key));
    if is_strong { None } else { weakness(cert, fits) }
}

/// GnuPG prefers subkeys to the primary key, and among them the newest.
fn newest(
    cert: &Cert,
    policy: &StandardPolicy<'_>,
    purpose: &str,
    fits: impl Fn(&Candidate<'_>) -> bool,
) -> Result<PublicKey, Failure> {
    check_certificate(cert, policy)?;
    let valid = cert.keys().with_policy(policy, None);
    let (usable, rest): (Vec<_>, Vec<_>) = valid.filter(fits).partition(is_usable);
    let best = usable.iter().max_by_key(|key| (!key.primary(), key.key().creation_time()));
    best.map(|key| key.key().clone()).ok_or_else(|| none_usable(cert, purpose, &rest))
}

fn check_certificate(cert: &Cert, policy: &StandardPolicy<'_>) -> Result<(), Failure> {
    let valid = cert.with_policy(policy, None);
    let valid = valid.map_err(|error| failure(error, Status::Key, &name(cert)))?;
    if matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
        return Err(revoked(cert, "it"));
    }
    match valid.alive() {
        Ok(()) => Ok(()),
        Err(error) => Err(match valid.primary_key().key_expiration_time() {
            Some(time) if time <= SystemTime::now() => {
                expired(cert, "it", time, &extend(cert, "1y"))
            }
            _ => failure(error, Status::Key, &name(cert)),
        }),
    }
}

fn is_usable(key: &Candidate<'_>) -> bool {
    key.alive().is_ok() && !matches!(key.revocation_status(), RevocationStatus::Revoked(_))
}

fn none_usable(cert: &Cert, purpose: &str, rest: &[Candidate<'_>]) -> Failure {
    let Some(key) = rest.iter().max_by_key(|key| key.key().creation_time()) else {
        return unusable(cert, &format!("it has no {purpose} key"));
    };
    match key.key_expiration_time() {
        Some(time) if time <= SystemTime::now() => {
            let (id, subkey) = (cert.fingerprint(), key.key().fingerprint());
            let command = format!("gpg --quick-set-expire {id:X} 1y {subkey:X}");
            expired(cert, &format!("its {purpose} key"), time, &command)
        }
        _ => revoked(cert, &format!("its {purpose} key")),
    }
}

fn expired(cert: &Cert, what: &str, time: SystemTime, command: &str) -> Failure {
    let date = jiff::Timestamp::try_from(time).map(|time| time.strftime("%Y-%m-%d").to_string());
    let date = date.unwrap_or_default();
    unusable(cert, &format!("{what} expired on {date} ({})", mend("to extend it", command)))
}

fn revoked(cert: &Cert, what: &str) -> Failure {
    unusable(cert, &format!("{what} is revoked (use another key; moo keygen makes one)"))
}

/// The command that lets a certificate live so long from now, with all its subkeys; its self-signatures are
/// made anew.
pub(crate) fn extend(cert: &Cert, time: &str) -> String {
    let id = cert.fingerprint();
    let primary = format!("gpg --quick-set-expire {id:X} {time}");
    // gpg's `*` leaves subkeys out that have expired.
    let subkeys = cert.keys().subkeys().map(|key| format!(" {:X}", key.key().fingerprint()));
    match subkeys.collect::<String>() {
        none if none.is_empty() => primary,
        subkeys => format!("{primary} && {primary}{subkeys}"),
    }
}

/// Tells of a command of gpg that changes a certificate.
pub(crate) fn mend(what_for: &str, command: &str) -> String {
    format!("{what_for}, where its secret key is: {command}; then export it again")
}

fn unusable(cert: &Cert, why: &str) -> Failure {
    Failure::of(Status::Key, name(cert), why)
}

pub(crate) fn name(cert: &Cert) -> String {
    match cert.userids().next() {
        Some(user) => format!(
            "certificate {:X} ({})",
            cert.fingerprint(),
            legible::name(user.userid().value())
        ),
        None => format!("certificate {:X}", cert.fingerprint()),
    }
}

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

/// Finds the certificates of those who may have signed something.
///
/// # Errors
/// [`Status::Key`] if there is no such certificate, or if no signature of theirs could be accepted, since
/// their keys are too weak; with the reason and what GnuPG can do.
pub fn find_signers(keys: &[OsString]) -> Result<Vec<Cert>, Failure> {
    let signers = keys.iter().map(find_certificate).collect::<Result<Vec<_>, _>>()?;
    refuse_weak_signers(&signers)?;
    Ok(signers)
}

fn refuse_weak_signers(signers: &[Cert]) -> Result<(), Failure> {
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

/// The files of a new key, each armored.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What others encrypt to and check signatures with.
    pub certificate: Vec<u8>,
    /// The secret key, locked if a passphrase was given.
    pub secret: Vec<u8>,
    /// Whoever imports it knows that the key is void.
    pub revocation: Vec<u8>,
    /// The fingerprint of the primary key.
    pub fingerprint: Fingerprint,
}

/// Makes a version 4 key: Ed25519 for certifying and signing and, if asked for, a subkey of
/// Curve25519 for encryption.
pub fn generate(
    user_id: &str,
    with_encryption_subkey: bool,
    passphrase: Option<&Passphrase>,
    expiry: Option<Duration>,
) -> Result<NewKey, Failure> {
    build(user_id, with_encryption_subkey, passphrase, expiry)
        .map_err(|error| failure(error, Status::Failed, "new key"))
}

fn build(
    user_id: &str,
    with_encryption_subkey: bool,
    passphrase: Option<&Passphrase>,
    expiry: Option<Duration>,
) -> anyhow::Result<NewKey> {
    let builder = CertBuilder::new()
        .set_profile(Profile::RFC4880)?
        .set_cipher_suite(CipherSuite::Cv25519)
        // Without version 2 of SEIPD, which GnuPG 2.2 does not read.
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
    armored(&cert, &Packet::from(revocation))
}

/// The preferences that sequoia does not set by itself.
fn preferences() -> anyhow::Result<SignatureBuilder> {
    SignatureBuilder::new(SignatureType::PositiveCertification)
        .set_preferred_compression_algorithms(vec![
            CompressionAlgorithm::Zlib,
            CompressionAlgorithm::Zip,
        ])
}

fn armored(cert: &Cert, revocation: &Packet) -> anyhow::Result<NewKey> {
    // GnuPG takes a lone revocation only under the name of a public key.
    let mut writer = Writer::new(Vec::new(), Kind::PublicKey)?;
    revocation.serialize(&mut writer)?;
    Ok(NewKey {
        certificate: cert.clone().strip_secret_key_material().armored().to_vec()?,
        secret: cert.as_tsk().armored().to_vec()?,
        revocation: writer.finalize()?,
        fingerprint: cert.fingerprint(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_are_known_from_user_ids() {
        let search_term = |spec: &str| search_term(OsStr::new(spec));
        assert_eq!(search_term("0123 4567 89AB CDEF"), "0x0123456789ABCDEF");
        assert_eq!(search_term("0xdeadbeef"), "0xdeadbeef");
        assert_eq!(search_term("cat@example.org"), "cat@example.org");
        assert_eq!(search_term("0123456789"), "0123456789");
    }

    #[test]
    fn garbage_is_no_certificate() {
        assert_eq!(only_one("f", b"garbage", "none").unwrap_err().message(), "f: none");
    }
}
