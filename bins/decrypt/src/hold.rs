//! A file that is held back until it has been checked: in memory while it is small, else in a
//! temporary file without a name.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use stream::{Failure, FilesInput, OrFail, Status};
use tempfile::SpooledTempFile;

use crate::digests::{Digester, Digests};

/// Bytes that stay in memory.
const IN_MEMORY: usize = 8 << 20;

/// A file that is held.
pub(crate) struct Held {
    which: String,
    spool: SpooledTempFile,
    digests: Digests,
}

impl Held {
    /// One to be filled.
    pub(crate) fn empty(which: &str) -> Result<Held, Failure> {
        let spool = SpooledTempFile::new(IN_MEMORY);
        Ok(Held { which: which.to_owned(), spool, digests: Digester::default().finish() })
    }

    /// The file that the stream has come to, as a whole.
    pub(crate) fn read(which: &str, input: &mut FilesInput<File>) -> Result<Held, Failure> {
        let mut held = Held::empty(which)?;
        let mut digester = Digester::default();
        while let Some(chunk) = input.chunk()? {
            digester.update(&chunk);
            held.write_all(&chunk).or_fail(Status::Failed, &held.which)?;
        }
        held.digests = digester.finish();
        held.rewind()?;
        Ok(held)
    }

    /// The hashes of the file as it came.
    pub(crate) fn digests(&self) -> &Digests {
        &self.digests
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

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.spool.read(buffer)
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.spool.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
