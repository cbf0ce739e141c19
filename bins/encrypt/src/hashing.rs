//! What passes by on its way into the store: how much, and with what hashes.

use std::io::{self, Write};

use archive::CheckpointHasher;
use sha1::{Digest, Sha1};
use stream::Annotations;
use stream::member::{SHA1, SHA256};

/// The bytes that are hashed at a time. Small pieces let the processor overlap the instructions of
/// SHA-1 and SHA-256, which do not depend on each other.
const PIECE: usize = 128;

/// A writer that hashes the bytes that it passes on.
pub(crate) struct Hashing<W> {
    to: W,
    sha1: Sha1,
    sha256: CheckpointHasher,
    bytes: u64,
}

/// What is known of a whole file; the hashes in hex.
#[derive(Clone, Debug)]
pub(crate) struct Hashes {
    pub(crate) sha1: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    /// As manifests have them, if there are any.
    pub(crate) checkpoints: Option<String>,
}

impl Hashes {
    /// As the closing chunk carries them.
    pub(crate) fn annotations(&self) -> Annotations {
        let mut facts = Annotations::default();
        facts.set(SHA256, &self.sha256);
        facts.set(SHA1, &self.sha1);
        facts
    }
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(to: W) -> Hashing<W> {
        Hashing { to, sha1: Sha1::new(), sha256: CheckpointHasher::default(), bytes: 0 }
    }

    pub(crate) fn finish(self) -> (W, Hashes) {
        let sha1 = format!("{:x}", self.sha1.finalize());
        let (sha256, checkpoints) = self.sha256.finish();
        (self.to, Hashes { sha1, sha256, bytes: self.bytes, checkpoints })
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        for piece in bytes[..n].chunks(PIECE) {
            self.sha1.update(piece);
            self.sha256.update(piece);
        }
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
