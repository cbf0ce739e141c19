//! A mark: a salted digest of the recipients of a run. Two runs with equal recipients can be
//! recognized by it. A passphrase is stretched (S2K), so a guess costs as much as with an encrypted
//! file.

use failure::{Failure, Status};
use sequoia_openpgp::crypto::{S2K, random};
use sequoia_openpgp::types::HashAlgorithm;
use sha2::{Digest, Sha256};

use crate::encrypt::Encryption;
use crate::passphrase::Passphrase;
use crate::trouble::failure;

/// The bytes that GnuPG hashes to turn a passphrase into a key.
const HASH_BYTES: u32 = 65_011_712;

impl Encryption {
    /// The mark of the recipients. The salt is random, so each call returns another mark.
    pub fn mark(&self) -> Result<String, Failure> {
        let mut salt = [0; 8];
        random(&mut salt).map_err(failed)?;
        self.mark_with(salt)
    }

    /// Whether `mark` was made for the same recipients.
    pub fn is_marked(&self, mark: &str) -> Result<bool, Failure> {
        let salt = mark.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        let Some(salt) = salt else { return Ok(false) };
        Ok(self.mark_with(salt.to_be_bytes())? == mark)
    }

    fn mark_with(&self, salt: [u8; 8]) -> Result<String, Failure> {
        let mut hash = Sha256::new();
        for certs in [&self.recipients, &self.hidden_recipients] {
            let names = certs.iter().map(|cert| cert.fingerprint().to_hex());
            hash.update(names.collect::<Vec<_>>().join(" "));
            hash.update([b'\n']);
        }
        let s2k = S2K::Iterated { hash: HashAlgorithm::SHA256, salt, hash_bytes: HASH_BYTES };
        for Passphrase(password) in &self.passphrases {
            let key = s2k.derive_key(password, 32).map_err(failed)?;
            hash.update(&key);
        }
        Ok(format!("{:016x}{:x}", u64::from_be_bytes(salt), hash.finalize()))
    }
}

fn failed(error: anyhow::Error) -> Failure {
    failure(error, Status::Failed, "encryption")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(passphrase: &str) -> Encryption {
        let passphrases = Passphrase::from_bytes(passphrase.into()).into_iter().collect();
        Encryption { passphrases, ..Encryption::default() }
    }

    #[test]
    fn a_mark_is_of_one_passphrase() {
        let mark = with("purr").mark().unwrap();
        assert_ne!(with("purr").mark().unwrap(), mark);
        assert!(with("purr").is_marked(&mark).unwrap());
        for other in ["meow", ""] {
            assert!(!with(other).is_marked(&mark).unwrap());
        }
        for damaged in ["", "x", "0123456789abcdef"] {
            assert!(!with("purr").is_marked(damaged).unwrap());
        }
    }
}
