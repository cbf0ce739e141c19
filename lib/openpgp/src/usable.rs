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
use crate::weak::{LENIENT, WeakKeys, weakness};

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
            String::from_utf8_lossy(user.userid().value())
        ),
        None => format!("certificate {:X}", cert.fingerprint()),
    }
}
