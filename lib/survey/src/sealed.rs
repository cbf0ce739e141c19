//! A seal that was read.

use archive::Seal;
use failure::{Failure, OrFail, Status};
use openpgp::{Cert, SealState, read_text};
use sha2::{Digest, Sha256};

/// A valid seal.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its content.
    pub seal: Seal,
    /// The SHA-256 of its file, in hex.
    pub sha256: String,
    /// The size of its file in bytes.
    pub size: u64,
    /// The name of its file in the store, if it is not its own, or `None` if it is unknown.
    pub(crate) there: Option<String>,
}

impl Sealed {
    /// The content of a seal, if it is valid: with certificates, one of them must have signed it.
    ///
    /// # Errors
    /// It is not valid.
    pub fn parse(name: &str, bytes: &[u8], certs: &[Cert]) -> Result<Sealed, Failure> {
        let (text, state) = read_text(name, bytes, certs)?;
        if !certs.is_empty() && !matches!(state, SealState::SignedBy(_)) {
            return Err(Failure::of(Status::Integrity, name, "is not signed by the seal key"));
        }
        let seal = Seal::parse(&text).or_fail(Status::Integrity, name)?;
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        Ok(Sealed { seal, sha256, size: bytes.len() as u64, there: None })
    }
}
