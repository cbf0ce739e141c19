//! Decryption of packets with a check of their integrity, of the first version (RFC 4880, 5.13),
//! which is what GnuPG 2.2 writes and we do. Others, and ciphers other than AES, are sequoia's work.

use std::io::{self, BufRead, Read};

use aes::{Aes128, Aes192, Aes256};
use cfb_mode::Decryptor;
use cfb_mode::cipher::array::Array;
use cfb_mode::cipher::{BlockModeDecrypt, BlockSizeUser, KeyIvInit, typenum::U16};
use failure::{Failure, Status};
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sha1::{Digest, Sha1};

/// Bytes of a block of AES.
const BLOCK: usize = 16;
/// What stands in front of the content: noise, and its end once more.
const PREFIX: usize = BLOCK + 2;
/// The version of the packet and the prefix.
pub(crate) const HEAD: usize = 1 + PREFIX;
/// The packet behind the content, its header and the hash in it.
const CHECK: usize = 22;
const CHECK_HEADER: [u8; 2] = [0xd3, 20];
/// How much is decrypted at a time.
const PIECE: usize = 64 << 10;

/// What decrypts one message.
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

/// Whether messages with this cipher are decrypted here.
pub(crate) fn is_ours(algorithm: SymmetricAlgorithm) -> bool {
    use SymmetricAlgorithm::{AES128, AES192, AES256};
    matches!(algorithm, AES128 | AES192 | AES256)
}

/// The key of a message.
pub(crate) struct Key {
    algorithm: SymmetricAlgorithm,
    session: SessionKey,
}

impl Key {
    /// A session key, if it seems to fit to a message that begins with this prefix. None where the
    /// cipher is not ours, or the key has another length.
    pub(crate) fn find(
        algorithm: SymmetricAlgorithm,
        session: &SessionKey,
        prefix: &[u8; PREFIX],
    ) -> Option<Key> {
        let mut plain = [0; 2 * BLOCK];
        plain[..PREFIX].copy_from_slice(prefix);
        cipher(algorithm, session)?.decrypt(&mut plain);
        let opens = plain[BLOCK - 2..BLOCK] == plain[BLOCK..PREFIX];
        opens.then(|| Key { algorithm, session: session.clone() })
    }

    /// A cipher at the beginning of the message; none where it is not ours.
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

/// A reader of what is in such a packet. Its end is an error where the check does not hold.
pub(crate) struct Unprotect<R> {
    which: String,
    /// Behind the version.
    body: R,
    cipher: Box<dyn Cipher + Send + Sync>,
    hash: Sha1,
    /// What is decrypted. Its end may be the check.
    plain: Vec<u8>,
    /// Where in it the next byte to be read is.
    at: usize,
    ended: Option<End>,
}

/// How a message ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Damaged,
}

impl<R: Read> Unprotect<R> {
    /// The content of a body of which the version has been read. An error where the key is of no cipher of
    /// ours, which [`Key::find`] gives nobody.
    pub(crate) fn new(which: &str, body: R, key: &Key) -> io::Result<Unprotect<R>> {
        let cipher = key.cipher().ok_or(io::ErrorKind::Unsupported)?;
        let (which, plain) = (which.to_owned(), Vec::new());
        // The prefix is hashed, but not read.
        Ok(Unprotect { which, body, cipher, hash: Sha1::new(), plain, at: PREFIX, ended: None })
    }

    /// Where in what is decrypted the check may begin.
    fn end(&self) -> usize {
        self.plain.len().saturating_sub(CHECK)
    }

    /// Decrypts the next piece behind what may be the check.
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
            self.ended = Some(if self.holds() { End::Whole } else { End::Damaged });
        }
        Ok(())
    }

    /// Whether what is decrypted ends with the right check.
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

impl<R: Read> BufRead for Unprotect<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.end() && self.ended.is_none() {
            self.at = self.at.saturating_sub(self.end());
            self.advance()?;
        }
        if self.ended == Some(End::Damaged) {
            return Err(self.damaged());
        }
        Ok(self.plain.get(self.at..self.end()).unwrap_or_default())
    }

    fn consume(&mut self, length: usize) {
        self.at += length;
    }
}

impl<R: Read> Read for Unprotect<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::protect::{CIPHER, KEY, Protect};
    use sequoia_openpgp::packet::Tag;
    use std::io::Write;

    fn key(session: &SessionKey, message: &[u8]) -> Option<Key> {
        let mut head = [0; HEAD];
        Body::new("vol1", Tag::SEIP, message).read_exact(&mut head).unwrap();
        Key::find(CIPHER, session, head[1..].try_into().unwrap())
    }

    fn opened(message: &[u8], key: &Key) -> io::Result<Vec<u8>> {
        let mut body = Body::new("vol1", Tag::SEIP, message);
        body.read_exact(&mut [0])?;
        let mut content = Vec::new();
        Unprotect::new("vol1", body, key)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn content_of_any_length_comes_back_and_any_change_is_noticed() {
        let session = SessionKey::new(KEY).unwrap();
        let near = |length: usize| length.saturating_sub(45)..length + 3;
        for length in near(0).chain(near(PIECE)).chain(near(2 * PIECE)) {
            let content: Vec<u8> = (0..length).map(|at| (at * at % 251) as u8).collect();
            let mut protect = Protect::new(Vec::new(), &session).unwrap();
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
        let message = Protect::new(Vec::new(), &session).unwrap().finish().unwrap();
        assert!(key(&session, &message).is_some());
        let wrong = || SessionKey::new(KEY).unwrap();
        let fitting = (0..20).filter(|_| key(&wrong(), &message).is_some()).count();
        assert!(fitting < 2, "{fitting}");
    }
}
