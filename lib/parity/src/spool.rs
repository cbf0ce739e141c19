//! A temporary file without a name.

use std::fs::File;
use std::os::unix::fs::FileExt;

use failure::{Failure, OrFail, Status, TemporaryFile};

/// Bytes that are too many for memory.
pub(crate) struct Spool(File);

impl Spool {
    pub(crate) fn new() -> Result<Spool, Failure> {
        tempfile::tempfile().map(Spool).or_fail(Status::Failed, TemporaryFile)
    }

    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> Result<(), Failure> {
        self.0.write_all_at(bytes, at).or_fail(Status::Failed, TemporaryFile)
    }

    pub(crate) fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), Failure> {
        self.0.read_exact_at(bytes, at).or_fail(Status::Failed, TemporaryFile)
    }

    /// Fills with zeros up to there.
    pub(crate) fn fill(&self, mut from: u64, to: u64) -> Result<(), Failure> {
        const ZEROS: [u8; 4096] = [0; 4096];
        while from < to {
            let length = (to - from).min(ZEROS.len() as u64);
            self.write(&ZEROS[..length as usize], from)?;
            from += length;
        }
        Ok(())
    }
}
