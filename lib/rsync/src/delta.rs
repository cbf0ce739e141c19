//! Deltas and how they are applied.

use std::io::{self, BufReader, Read, Seek};

use stream::{Failure, OrFail, Status};

use crate::signature::file_size;

const BUFFER: usize = 64 << 10;

/// A delta that is made while it is read.
pub struct Delta<R: Read> {
    job: librsync::Delta<BufReader<R>>,
}

impl<R: Read> Delta<R> {
    /// The delta that makes `content` out of the file that `signature` was made of. It reads
    /// content as it is read itself. `which` is named in errors.
    pub fn new(which: &str, content: R, mut signature: &[u8]) -> Result<Delta<R>, Failure> {
        if file_size(signature, signature.len() as u64).is_none() {
            let why = format!("{which}: its signature in the archive is malformed");
            return Err(Failure::new(Status::Integrity, why));
        }
        let content = BufReader::with_capacity(BUFFER, content);
        let job = librsync::Delta::with_buf_read(content, &mut signature);
        Ok(Delta { job: job.or_fail(Status::Failed, which)? })
    }
}

impl<R: Read> Read for Delta<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.job.read(buffer)
    }
}

/// The file that `delta` makes out of `basis`, as it is read. `which` is named in errors.
pub fn patch<'a>(
    which: &str,
    basis: impl Read + Seek + 'a,
    delta: impl Read + 'a,
) -> Result<impl Read + 'a, Failure> {
    let delta = BufReader::with_capacity(BUFFER, delta);
    librsync::Patch::with_buf_read(basis, delta).or_fail(Status::Integrity, which)
}
