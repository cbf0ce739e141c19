//! The identity of a backup, and the hash of its origin.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::Error;

/// A backup's identity: 16 random bytes, shown as 32 lower-case hexadecimal digits.
///
/// The first set of a backup makes it; increments, later full sets and copies keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity([u8; 16]);

impl Identity {
    /// The identity made of these random bytes.
    pub fn new(random: [u8; 16]) -> Identity {
        Identity(random)
    }

    /// The hash of this identity, a host and a source, as in the manifest.
    ///
    /// Each of the three follows its length in 8 bytes, least significant byte first; the identity
    /// has its 32 digits.
    pub fn origin(&self, host: &[u8], source: &[u8]) -> Origin {
        let mut hash = Sha256::new();
        for part in [self.to_string().as_bytes(), host, source] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Origin(hash.finalize().into())
    }
}

/// A hash of identity, host and source. It reveals host or source only to a reader who guesses
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin([u8; 32]);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Identity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Identity, Error> {
        let wrong = || Error::new(text, "not an identity, which has 32 lower-case hex digits");
        bytes(text).map(Identity).ok_or_else(wrong)
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Origin, Error> {
        let wrong = || Error::new(text, "not an origin, which has 64 lower-case hex digits");
        bytes(text).map(Origin).ok_or_else(wrong)
    }
}

/// The bytes of a text with exactly that many lower-case digits.
fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits: Vec<u8> = hex.bytes().map(|byte| digit(&byte)).collect::<Option<_>>()?;
    let pairs: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |n, d| n << 4 | d)).collect();
    (digits.len() == 2 * N).then_some(pairs)?.try_into().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any identity.
    pub(crate) fn identities() -> impl Strategy<Value = Identity> {
        any::<[u8; 16]>().prop_map(Identity)
    }

    proptest! {
        #[test]
        fn an_identity_and_an_origin_come_back_as_they_went(id in identities(), host: Vec<u8>, source: Vec<u8>) {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().len(), 32);
            let origin = id.origin(&host, &source);
            prop_assert_eq!(origin.to_string().parse(), Ok(origin));
        }

        #[test]
        fn nothing_else_is_an_identity(text in ".{0,40}") {
            let read: Result<Identity, _> = text.parse();
            prop_assert!(read.is_err() || read.unwrap().to_string() == text);
        }

        #[test]
        fn host_and_source_are_not_joined(id in identities(), host: Vec<u8>, source: Vec<u8>, cut: prop::sample::Index) {
            let all = [host.clone(), source.clone()].concat();
            let cut = cut.index(all.len() + 1);
            let same = cut == host.len();
            prop_assert_eq!(id.origin(&all[..cut], &all[cut..]) == id.origin(&host, &source), same);
        }
    }

    #[test]
    fn an_origin_is_the_hash_that_the_manual_describes() {
        let id: Identity = "00112233445566778899aabbccddeeff".parse().unwrap();
        // (printf ' \0\0\0\0\0\0\0%s' 00112233445566778899aabbccddeeff;
        //  printf '\4\0\0\0\0\0\0\0barn\4\0\0\0\0\0\0\0/etc') | sha256sum
        let expected = "770e078492f1d3dd5ae933c80b7abff573256e4dc5f1ff02ae3b615dc9abb223";
        assert_eq!(id.origin(b"barn", b"/etc").to_string(), expected);
    }
}
