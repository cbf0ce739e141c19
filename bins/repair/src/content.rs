//! The content of a file, before it is sent: in a temporary file, with its hash.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use failure::{Failure, OrFail, Status, TemporaryFile};
use sha2::{Digest, Sha256};

/// A file that is being put together.
pub(crate) struct Draft {
    file: File,
    hash: Sha256,
    size: u64,
}

/// A file that was put together.
pub(crate) struct Content {
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Draft {
    pub(crate) fn new() -> Result<Draft, Failure> {
        let file = tempfile::tempfile().or_fail(Status::Failed, TemporaryFile)?;
        Ok(Draft { file, hash: Sha256::new(), size: 0 })
    }

    pub(crate) fn finish(mut self) -> Result<Content, Failure> {
        self.file.rewind().or_fail(Status::Failed, TemporaryFile)?;
        let sha256 = format!("{:x}", self.hash.finalize());
        Ok(Content { file: self.file, size: self.size, sha256 })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes).or_fail(Status::Failed, TemporaryFile)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Content {
    /// A copy of a file.
    pub(crate) fn copied(name: &str, from: &mut dyn Read) -> Result<Content, Failure> {
        let mut draft = Draft::new()?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return draft.finish(),
                Ok(n) => draft.write_all(&buffer[..n]).or_fail(Status::Failed, name)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).or_fail(Status::Refused, name),
            }
        }
    }

    /// All of it, which is small.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = self.file.read_to_end(&mut bytes).and_then(|_| self.file.rewind());
        read.or_fail(Status::Failed, TemporaryFile)?;
        Ok(bytes)
    }
}
