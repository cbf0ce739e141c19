//! Which key of a certificate may be used to make something new.

use std::time::SystemTime;

use failure::{Failure, Status};
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::cert::amalgamation::key::{PrimaryKey, ValidKeyAmalgamation};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::RevocationStatus;
use sequoia_openpgp::{Cert, Fingerprint};

use crate::trouble::failure;
use crate::weak::weakness;

/// The public part of a primary key or subkey.
pub(crate) type PublicKey = Key<PublicParts, UnspecifiedRole>;
pub(crate) type Candidate<'a> = ValidKeyAmalgamation<'a, PublicParts, UnspecifiedRole, bool>;

/// The key that GnuPG would encrypt to: the newest usable one that is meant for encryption.
pub fn encryption_key(cert: &Cert) -> Result<PublicKey, Failure> {
    let fits = |key: &Candidate<'_>| key.for_transport_encryption() || key.for_storage_encryption();
    newest(cert, "encryption", fits).map_err(|failure| weakness(cert, fits).unwrap_or(failure))
}

/// The key that GnuPG would sign with, of those whose secret part is at hand.
pub(crate) fn signing_key(
    cert: &Cert,
    at_hand: impl Fn(&Fingerprint) -> bool,
) -> Result<PublicKey, Failure> {
    let fits = |key: &Candidate<'_>| key.for_signing() && at_hand(&key.key().fingerprint());
    newest(cert, "signing", fits).map_err(|failure| weakness(cert, fits).unwrap_or(failure))
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
    purpose: &str,
    fits: impl Fn(&Candidate<'_>) -> bool,
) -> Result<PublicKey, Failure> {
    let policy = StandardPolicy::new();
    check_certificate(cert, &policy)?;
    let valid = cert.keys().with_policy(&policy, None).supported();
    let (usable, rest): (Vec<_>, Vec<_>) = valid.filter(fits).partition(is_usable);
    let best = usable.iter().max_by_key(|key| (!key.primary(), key.key().creation_time()));
    best.map(|key| key.key().clone()).ok_or_else(|| none_usable(cert, purpose, &rest))
}

fn check_certificate(cert: &Cert, policy: &StandardPolicy<'_>) -> Result<(), Failure> {
    let valid = cert.with_policy(policy, None);
    let valid = valid.map_err(|error| failure(error, Status::Key, &name(cert)))?;
    if matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
        return Err(unusable(cert, "it is revoked"));
    }
    match valid.alive() {
        Ok(()) => Ok(()),
        Err(error) => Err(match valid.primary_key().key_expiration_time() {
            Some(time) if time <= SystemTime::now() => expired(cert, "it", time),
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
            expired(cert, &format!("its {purpose} key"), time)
        }
        _ => unusable(cert, &format!("its {purpose} key is revoked")),
    }
}

fn expired(cert: &Cert, what: &str, time: SystemTime) -> Failure {
    let date = jiff::Timestamp::try_from(time).map(|time| time.strftime("%Y-%m-%d").to_string());
    unusable(cert, &format!("{what} expired on {}", date.unwrap_or_default()))
}

fn unusable(cert: &Cert, why: &str) -> Failure {
    Failure::of(Status::Key, name(cert), why)
}

pub(crate) fn name(cert: &Cert) -> String {
    match cert.userids().next() {
        Some(user) => format!(
            "certificate {:X} ({})",
            cert.fingerprint(),
            String::from_utf8_lossy(user.userid().value())
        ),
        None => format!("certificate {:X}", cert.fingerprint()),
    }
}
