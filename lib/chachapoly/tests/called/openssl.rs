//! What OpenSSL makes of the same.

use openssl::pkey::{Id, PKey};
use openssl::sign::Signer;
use openssl::symm::{Cipher, encrypt};

/// ChaCha20 from a block on, whose number has 64 bits here too.
pub(crate) fn chacha20(key: &[u8; 32], nonce: &[u8; 8], block: u64, text: &[u8]) -> Vec<u8> {
    let start = [block.to_le_bytes(), *nonce].concat();
    encrypt(Cipher::chacha20(), key, Some(&start), text).unwrap()
}

pub(crate) fn poly1305(key: &[u8; 32], text: &[u8]) -> Vec<u8> {
    let key = PKey::private_key_from_raw_bytes(key, Id::POLY1305).unwrap();
    Signer::new_without_digest(&key).unwrap().sign_oneshot_to_vec(text).unwrap()
}
