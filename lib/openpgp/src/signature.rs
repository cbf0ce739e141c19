//! Whether a signature holds: also one that is older than what binds its key to its certificate.

use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::stream::{VerificationError, VerificationResult};
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use sequoia_openpgp::types::RevocationStatus;
use sequoia_openpgp::{Cert, Fingerprint};

/// The certificate whose key has made a signature that holds.
///
/// When a key is extended, GnuPG replaces the self-signatures of its certificate. Sequoia looks for those
/// of the signature's own time, and finds none. GnuPG looks at the key as it is now, and so does this.
pub(crate) fn signer(result: VerificationResult<'_>) -> Result<Fingerprint, VerificationError<'_>> {
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
