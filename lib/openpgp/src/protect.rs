//! Encryption with a check of its integrity: the first version of that packet (RFC 4880, 5.13), the
//! only one that GnuPG 2.2 reads.
//!
//! sequoia could write it too, but takes the double of the time, mostly for looking out for
//! collisions of SHA-1. Who knows the session key needs none of them, and nobody else sees the hash.

use std::io::{self, Write};

use aes::Aes256;
use cfb_mode::Encryptor;
use cfb_mode::cipher::array::Array;
use cfb_mode::cipher::{BlockModeEncrypt, KeyIvInit};
use sequoia_openpgp::crypto::{self, SessionKey};
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sha1::{Digest, Sha1};

use crate::parts::Parts;

/// The cipher of everything that is written.
pub(crate) const CIPHER: SymmetricAlgorithm = SymmetricAlgorithm::AES256;
/// Bytes of a key of that cipher.
pub(crate) const KEY: usize = 32;
/// Bytes of its blocks.
const BLOCK: usize = 16;
/// How much is encrypted at a time.
const PIECE: usize = 64 << 10;
/// The packet that holds the check, without its body.
const CHECK: [u8; 2] = [0xd3, 20];

/// A writer that encrypts what it hands on. It ends with [`Protect::finish`] only.
pub(crate) struct Protect<W> {
    to: Parts<W>,
    cipher: Encryptor<Aes256>,
    hash: Sha1,
    plain: Vec<u8>,
}

impl<W: Write> Protect<W> {
    /// Begins the packet.
    pub(crate) fn new(to: W, key: &SessionKey) -> anyhow::Result<Protect<W>> {
        let cipher = Encryptor::new_from_slices(key, &[0; BLOCK])?;
        let mut to = Parts::new(to, Tag::SEIP)?;
        to.write_all(&[1])?;
        // Noise takes the place of an initial vector; its end is repeated, to know the key by.
        let mut plain = Vec::with_capacity(PIECE + BLOCK);
        plain.resize(BLOCK, 0);
        crypto::random(&mut plain)?;
        plain.extend_from_within(BLOCK - 2..);
        Ok(Protect { to, cipher, hash: Sha1::new(), plain })
    }

    /// Ends the packet with the check of all that was in it.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.plain.extend(CHECK);
        self.hash.update(&self.plain);
        let check = std::mem::take(&mut self.hash).finalize();
        self.plain.extend(check);
        // In this mode, what follows has no influence on what goes before.
        let length = self.plain.len();
        self.plain.resize(length.next_multiple_of(BLOCK), 0);
        self.encrypt();
        self.to.write_all(&self.plain[..length])?;
        self.to.finish()
    }

    /// Encrypts whole blocks in place.
    fn encrypt(&mut self) {
        let (blocks, _) = Array::slice_as_chunks_mut(&mut self.plain);
        self.cipher.encrypt_blocks(blocks);
    }
}

impl<W: Write> Write for Protect<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.plain.len());
        self.plain.extend_from_slice(&bytes[..taken]);
        if self.plain.len() == PIECE {
            self.hash.update(&self.plain);
            self.encrypt();
            self.to.write_all(&self.plain)?;
            self.plain.clear();
        }
        Ok(taken)
    }

    /// Pieces go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
