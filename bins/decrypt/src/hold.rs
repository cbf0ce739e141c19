//! A file that is held back until it has been checked.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use archive::hash_named;
use failure::{Failure, OrFail, Status, TemporaryFile};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use stream::FilesInput;

use crate::spool::{Spool, Spools};

/// A file whose hash is known.
pub(crate) trait Hashed {
    /// The SHA-256 of the file as it came, in lower-case hex.
    fn sha256(&self) -> &str;

    /// Whether the file has the best of the hashes that a manifest has: a pair of name and
    /// value each. False where none of them is known here.
    fn has_best_of(&mut self, hashes: &[(String, String)]) -> Result<bool, Failure>;
}

/// A file that is held.
pub(crate) struct Held {
    which: String,
    spool: Spool,
    /// In lower-case hex.
    sha256: String,
    /// Whether a stage before has lost it.
    lost: bool,
}

impl Held {
    /// The file that the stream has come to, as a whole.
    pub(crate) fn read(
        which: &str,
        input: &mut FilesInput<File>,
        spools: &Arc<Spools>,
    ) -> Result<Held, Failure> {
        let mut spool = Spool::new(spools);
        let mut hash = Sha256::new();
        while let Some(chunk) = input.chunk()? {
            hash.update(&chunk);
            spool.write_all(&chunk).or_fail(Status::Failed, TemporaryFile)?;
        }
        let sha256 = format!("{:x}", hash.finalize());
        let lost = input.lost().is_some();
        Ok(Held { which: which.to_owned(), spool, sha256, lost })
    }

    /// How long the file is as it came, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.spool.len()
    }

    /// Whether a stage before has lost it, and has said so.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Another hash of the file, in lower-case hex.
    fn digest<D: Digest>(&mut self) -> Result<String, Failure> {
        self.rewind()?;
        let mut hash = D::new();
        let mut buffer = vec![0; stream::pipe::BUFFER];
        loop {
            let n = self.spool.read(&mut buffer).or_fail(Status::Failed, &self.which)?;
            if n == 0 {
                self.rewind()?;
                return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
            }
            hash.update(&buffer[..n]);
        }
    }

    /// Goes back to its start.
    pub(crate) fn rewind(&mut self) -> Result<(), Failure> {
        self.spool.rewind().or_fail(Status::Failed, &self.which)
    }

    /// All of it: for small files only.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, Failure> {
        const LARGEST: u64 = 64 << 20;
        self.rewind()?;
        let mut bytes = Vec::new();
        let n = (&mut self.spool).take(LARGEST + 1).read_to_end(&mut bytes);
        if n.or_fail(Status::Failed, &self.which)? as u64 > LARGEST {
            let why = format!("{}: is too large", self.which);
            return Err(Failure::new(Status::Integrity, why));
        }
        Ok(bytes)
    }

    /// Copies all of it.
    pub(crate) fn copy_to(&mut self, to: &mut impl Write) -> Result<(), Failure> {
        self.rewind()?;
        io::copy(&mut self.spool, to).map(drop).or_fail(Status::Failed, &self.which)
    }
}

impl Hashed for Held {
    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn has_best_of(&mut self, hashes: &[(String, String)]) -> Result<bool, Failure> {
        if let Some(value) = hash_named(hashes, "SHA256") {
            return Ok(value.eq_ignore_ascii_case(&self.sha256));
        }
        // duplicity writes SHA-1, and long ago it was MD5.
        if let Some(value) = hash_named(hashes, "SHA1") {
            return Ok(value.eq_ignore_ascii_case(&self.digest::<Sha1>()?));
        }
        match hash_named(hashes, "MD5") {
            Some(value) => Ok(value.eq_ignore_ascii_case(&self.digest::<Md5>()?)),
            None => Ok(false),
        }
    }
}

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.spool.read(buffer)
    }
}

impl Seek for Held {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.spool.seek(to)
    }
}
