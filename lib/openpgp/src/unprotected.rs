//! Messages in the old form that has no integrity check: only gpg still reads them, when told to.

use std::io::{Read, Write};

use failure::{Failure, Status};
use sequoia_openpgp::Fingerprint;

use crate::decrypt::Decryption;
use crate::gpg::{Gpg, Outcome};
use crate::trouble::Trouble;

/// Lets gpg decrypt such a message, with the keys that it has.
pub(crate) fn open(
    decryption: &Decryption,
    which: &str,
    trouble: &Trouble,
    message: impl Read + Send,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let passphrase = decryption.passphrase.given()?;
    let gpg = Gpg::start(["--ignore-mdc-error", "--decrypt"], passphrase.as_ref())?;
    let outcome = gpg.pump(message, &mut trouble.watch(out));
    let outcome = outcome.map_err(|error| trouble.explain(error.into(), Status::Failed))?;
    if outcome.statuses("DECRYPTION_OKAY").next().is_none() {
        return Err(Failure::new(status(&outcome), format!("{which}: gpg: {}", outcome.reason())));
    }
    if decryption.signers_wanted.is_empty() || is_signed_as_wanted(decryption, &outcome) {
        return Ok(());
    }
    let why = "no valid signature by a wanted signer";
    Err(Failure::of(Status::Integrity, which, why))
}

fn status(outcome: &Outcome) -> Status {
    match outcome.statuses("NO_SECKEY").next() {
        Some(_) => Status::Key,
        None => Status::Integrity,
    }
}

/// The last word of VALIDSIG is the fingerprint of the signer's primary key.
fn is_signed_as_wanted(decryption: &Decryption, outcome: &Outcome) -> bool {
    let valid = outcome.statuses("VALIDSIG").filter_map(|line| line.split(' ').next_back());
    let mut signers = valid.filter_map(|id| id.parse::<Fingerprint>().ok());
    signers.any(|id| decryption.signers_wanted.iter().any(|cert| cert.fingerprint() == id))
}
