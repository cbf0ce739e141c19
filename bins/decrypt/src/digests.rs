//! The hashes of a stored file, as manifests and seals name them.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Hashes that are being made.
#[derive(Default)]
pub(crate) struct Digester {
    sha256: Sha256,
    sha1: Sha1,
    md5: Md5,
}

/// The hashes of a file, in lower-case hex.
pub(crate) struct Digests {
    pub(crate) sha256: String,
    sha1: String,
    md5: String,
}

impl Digester {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha1.update(bytes);
        self.md5.update(bytes);
    }

    pub(crate) fn finish(self) -> Digests {
        Digests {
            sha256: format!("{:x}", self.sha256.finalize()),
            sha1: format!("{:x}", self.sha1.finalize()),
            md5: format!("{:x}", self.md5.finalize()),
        }
    }
}

impl Digests {
    /// Whether all hashes that a manifest has of a volume hold, and there is one that we know.
    pub(crate) fn hold(&self, hashes: &[(String, String)]) -> bool {
        let known = |name: &str| match name.to_ascii_uppercase().as_str() {
            "SHA256" => Some(&self.sha256),
            "SHA1" => Some(&self.sha1),
            "MD5" => Some(&self.md5),
            _ => None,
        };
        let mut checked = hashes
            .iter()
            .filter_map(|(name, value)| Some(known(name)?.eq_ignore_ascii_case(value)))
            .peekable();
        checked.peek().is_some() && checked.all(|holds| holds)
    }
}
