//! Symmetrically encrypted, integrity protected data, version 1 (RFC 4880, 5.13): what GnuPG 2.2 reads
//! and writes, with AES in CFB mode. Other versions and ciphers are read by sequoia.
//!
//! sequoia could read and write these too, but takes twice the time, mostly because it looks out for
//! collisions of SHA-1. The hash is encrypted, so only who has the session key could make one. The
//! tests of the crate read with sequoia and GnuPG what is written here, and the other way round.

use std::io::{self, BufRead, Read, Write};

use aes::{Aes128, Aes192, Aes256};
use cfb_mode::cipher::array::Array;
use cfb_mode::cipher::{
    BlockModeDecrypt, BlockModeEncBackend, BlockModeEncClosure, BlockModeEncrypt, BlockSizeUser,
    KeyIvInit, typenum::U16,
};
use cfb_mode::{Decryptor, Encryptor};
use failure::{Failure, Status};
use sequoia_openpgp::crypto::{self, SessionKey};
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sha1::{Digest, Sha1};

use crate::packets::{PartialBody, read_buffered};

/// The cipher of everything that is written.
pub(crate) const CIPHER: SymmetricAlgorithm = SymmetricAlgorithm::AES256;
/// Bytes of a key of that cipher.
pub(crate) const KEY: usize = 32;
/// Bytes of its blocks.
const BLOCK: usize = 16;
/// How much is encrypted or decrypted at a time.
const PIECE: usize = 64 << 10;
/// How much is hashed and then encrypted: a block of SHA-1, and so a number of whole blocks of the cipher. In
/// both, each step waits for the one before it. Alternating in small parts lets the processor overlap them.
const OVERLAP: usize = 64;
/// The header of the last packet inside, which holds the SHA-1 of all before it (5.14).
const CHECK_HEADER: [u8; 2] = [0xd3, 20];
/// Bytes of that packet.
const CHECK: usize = 22;

/// A writer of such a packet. Only [`SeipdWriter::finish`] ends it.
pub(crate) struct SeipdWriter<W> {
    to: PartialBody<W>,
    cipher: Encryptor<Aes256>,
    hash: Sha1,
    plain: Vec<u8>,
}

impl<W: Write> SeipdWriter<W> {
    /// Begins the packet.
    pub(crate) fn new(to: W, key: &SessionKey) -> anyhow::Result<SeipdWriter<W>> {
        let cipher = Encryptor::new_from_slices(key, &[0; BLOCK])?;
        let mut to = PartialBody::new(to, Tag::SEIP)?;
        to.write_all(&[1])?;
        // Random bytes take the place of an initial vector; the last two are repeated, to check a key.
        let mut plain = Vec::with_capacity(PIECE + BLOCK);
        plain.resize(BLOCK, 0);
        crypto::random(&mut plain)?;
        plain.extend_from_within(BLOCK - 2..);
        Ok(SeipdWriter { to, cipher, hash: Sha1::new(), plain })
    }

    /// Ends the packet with the hash of its content.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.plain.extend(CHECK_HEADER);
        self.hash.update(&self.plain);
        let check = std::mem::take(&mut self.hash).finalize();
        self.plain.extend(check);
        // In this mode, what follows has no influence on what goes before.
        let length = self.plain.len();
        self.plain.resize(length.next_multiple_of(BLOCK), 0);
        let (blocks, _) = Array::slice_as_chunks_mut(&mut self.plain);
        self.cipher.encrypt_blocks(blocks);
        self.to.write_all(&self.plain[..length])?;
        self.to.finish()
    }
}

/// Whole blocks, to be hashed and encrypted in place. To call the cipher for each part would take as long as
/// the overlap saves.
struct HashAndEncrypt<'a> {
    plain: &'a mut [u8],
    hash: &'a mut Sha1,
}

impl BlockSizeUser for HashAndEncrypt<'_> {
    type BlockSize = U16;
}

impl BlockModeEncClosure for HashAndEncrypt<'_> {
    fn call<B: BlockModeEncBackend<BlockSize = U16>>(self, backend: &mut B) {
        for part in self.plain.chunks_mut(OVERLAP) {
            self.hash.update(&part);
            let (blocks, _) = Array::slice_as_chunks_mut(part);
            for block in blocks {
                backend.encrypt_block(block.into());
            }
        }
    }
}

impl<W: Write> Write for SeipdWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.plain.len());
        self.plain.extend_from_slice(&bytes[..taken]);
        if self.plain.len() == PIECE {
            let piece = HashAndEncrypt { plain: &mut self.plain, hash: &mut self.hash };
            self.cipher.encrypt_with_backend(piece);
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

/// What precedes the content: random bytes, and the last two of them again.
const PREFIX: usize = BLOCK + 2;
/// The version of the packet and the prefix.
pub(crate) const HEAD: usize = 1 + PREFIX;

/// A cipher with the state of one message.
trait Cipher {
    /// Decrypts whole blocks in place.
    fn decrypt(&mut self, bytes: &mut [u8]);
}

impl<M: BlockModeDecrypt + BlockSizeUser<BlockSize = U16>> Cipher for M {
    fn decrypt(&mut self, bytes: &mut [u8]) {
        let (blocks, _) = Array::slice_as_chunks_mut(bytes);
        self.decrypt_blocks(blocks);
    }
}

/// Whether messages with this cipher are decrypted here, and not by sequoia.
pub(crate) fn is_supported(algorithm: SymmetricAlgorithm) -> bool {
    use SymmetricAlgorithm::{AES128, AES192, AES256};
    matches!(algorithm, AES128 | AES192 | AES256)
}

/// The session key of a message, which is likely to be the right one.
pub(crate) struct MessageKey {
    algorithm: SymmetricAlgorithm,
    session: SessionKey,
}

impl MessageKey {
    /// Returns the key if it decrypts the prefix of a message, and `None` if not, or if the cipher is
    /// not supported here or wants a key of another length.
    pub(crate) fn find(
        algorithm: SymmetricAlgorithm,
        session: &SessionKey,
        prefix: &[u8; PREFIX],
    ) -> Option<MessageKey> {
        let mut plain = [0; 2 * BLOCK];
        plain[..PREFIX].copy_from_slice(prefix);
        cipher(algorithm, session)?.decrypt(&mut plain);
        let opens = plain[BLOCK - 2..BLOCK] == plain[BLOCK..PREFIX];
        opens.then(|| MessageKey { algorithm, session: session.clone() })
    }

    /// The cipher at the beginning of the message.
    fn cipher(&self) -> Option<Box<dyn Cipher + Send + Sync>> {
        cipher(self.algorithm, &self.session)
    }
}

fn cipher(
    algorithm: SymmetricAlgorithm,
    session: &SessionKey,
) -> Option<Box<dyn Cipher + Send + Sync>> {
    use SymmetricAlgorithm::{AES128, AES192, AES256};
    let zeros = [0; BLOCK];
    Some(match algorithm {
        AES128 => Box::new(Decryptor::<Aes128>::new_from_slices(session, &zeros).ok()?),
        AES192 => Box::new(Decryptor::<Aes192>::new_from_slices(session, &zeros).ok()?),
        AES256 => Box::new(Decryptor::<Aes256>::new_from_slices(session, &zeros).ok()?),
        _ => return None,
    })
}

/// A reader of the content of such a packet. A wrong hash is an error at its end.
pub(crate) struct SeipdReader<R> {
    which: String,
    /// What follows the version.
    body: R,
    cipher: Box<dyn Cipher + Send + Sync>,
    hash: Sha1,
    /// What is decrypted. Its last bytes may be the hash.
    plain: Vec<u8>,
    /// The next byte of it to be read.
    at: usize,
    ended: Option<Verdict>,
}

/// What the hash at the end of a message says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Whole,
    Damaged,
}

impl<R: Read> SeipdReader<R> {
    /// The content of a body whose version has been read.
    pub(crate) fn new(which: &str, body: R, key: &MessageKey) -> io::Result<SeipdReader<R>> {
        let cipher = key.cipher().ok_or(io::ErrorKind::Unsupported)?;
        let (which, plain) = (which.to_owned(), Vec::new());
        // The prefix is hashed, but not read.
        Ok(SeipdReader { which, body, cipher, hash: Sha1::new(), plain, at: PREFIX, ended: None })
    }

    /// Whether all of the message has been decrypted.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Where in `plain` the check packet may begin.
    fn end(&self) -> usize {
        self.plain.len().saturating_sub(CHECK)
    }

    /// Decrypts the next piece.
    fn advance(&mut self) -> io::Result<()> {
        let kept = self.plain.len().min(CHECK);
        self.plain.drain(..self.plain.len() - kept);
        let length = (&mut self.body).take(PIECE as u64).read_to_end(&mut self.plain)?;
        let end = self.plain.len();
        self.plain.resize(kept + length.next_multiple_of(BLOCK), 0);
        self.cipher.decrypt(&mut self.plain[kept..]);
        self.plain.truncate(end);
        self.hash.update(&self.plain[..end.saturating_sub(CHECK)]);
        if length < PIECE {
            self.ended = Some(if self.holds() { Verdict::Whole } else { Verdict::Damaged });
        }
        Ok(())
    }

    /// Whether `plain` ends with the right hash.
    fn holds(&mut self) -> bool {
        let Some(content) = self.plain.len().checked_sub(CHECK) else {
            return false;
        };
        let (header, sum) = self.plain[content..].split_at(CHECK_HEADER.len());
        self.hash.update(header);
        header == CHECK_HEADER && *sum == *self.hash.finalize_reset()
    }

    fn damaged(&self) -> io::Error {
        let why = format!("{}: message has been manipulated", self.which);
        io::Error::other(Failure::new(Status::Integrity, why))
    }
}

impl<R: Read> BufRead for SeipdReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.end() && self.ended.is_none() {
            self.at = self.at.saturating_sub(self.end());
            self.advance()?;
        }
        if self.ended == Some(Verdict::Damaged) {
            return Err(self.damaged());
        }
        Ok(self.plain.get(self.at..self.end()).unwrap_or_default())
    }

    fn consume(&mut self, length: usize) {
        self.at += length;
    }
}

impl<R: Read> Read for SeipdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packets::PacketBody;

    fn key(session: &SessionKey, message: &[u8]) -> Option<MessageKey> {
        let mut head = [0; HEAD];
        PacketBody::new("vol1", Tag::SEIP, message).read_exact(&mut head).unwrap();
        MessageKey::find(CIPHER, session, head[1..].try_into().unwrap())
    }

    fn opened(message: &[u8], key: &MessageKey) -> io::Result<Vec<u8>> {
        let mut body = PacketBody::new("vol1", Tag::SEIP, message);
        body.read_exact(&mut [0])?;
        let mut content = Vec::new();
        SeipdReader::new("vol1", body, key)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn content_of_any_length_comes_back_and_any_change_is_noticed() {
        let session = SessionKey::new(KEY).unwrap();
        let near = |length: usize| length.saturating_sub(45)..length + 3;
        for length in near(0).chain(near(PIECE)).chain(near(2 * PIECE)) {
            let content: Vec<u8> = (0..length).map(|at| (at * at % 251) as u8).collect();
            let mut protect = SeipdWriter::new(Vec::new(), &session).unwrap();
            content.chunks(10_000).for_each(|piece| protect.write_all(piece).unwrap());
            let mut message = protect.finish().unwrap();
            let key = || key(&session, &message).unwrap();
            let (right, again) = (key(), key());
            assert!(opened(&message, &right).unwrap() == content, "{length}");
            let at = message.len() - 1 - length % (message.len() - 10);
            message[at] ^= 1 << (length % 8);
            assert!(opened(&message, &again).is_err(), "{length}");
        }
    }

    #[test]
    fn a_wrong_key_is_known_by_the_prefix() {
        let session = SessionKey::new(KEY).unwrap();
        let message = SeipdWriter::new(Vec::new(), &session).unwrap().finish().unwrap();
        assert!(key(&session, &message).is_some());
        let wrong = || SessionKey::new(KEY).unwrap();
        let fitting = (0..20).filter(|_| key(&wrong(), &message).is_some()).count();
        assert!(fitting < 2, "{fitting}");
    }
}
