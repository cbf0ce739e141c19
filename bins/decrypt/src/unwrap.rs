//! Out of the wrapping that a file's name tells.

use std::io::{self, BufReader, Read, Seek, Write};
use std::sync::Arc;

use archive::{FileName, Wrapping};
use failure::{Failure, OrFail, Status};
use igzip::Inflate;
use openpgp::Decryption;

use crate::vouched::Vouched;

/// Bytes of the buffers around the inflater.
const BUFFER: usize = 256 << 10;

/// How files are unwrapped.
pub(crate) struct Unwrap {
    decryption: Decryption,
    pub(crate) vouched: Arc<Vouched>,
}

impl Unwrap {
    pub(crate) fn new(decryption: Decryption) -> Unwrap {
        Unwrap { decryption, vouched: Arc::default() }
    }

    /// Does the part of [`open`](Self::open) that needs the head of the file only, which has this SHA-256.
    /// GnuPG gets nothing ahead of its turn that no seal vouches for.
    pub(crate) fn prepare(&self, stored: &str, sha256: &str, head: impl Read + Send + Sync) {
        if FileName::parse(stored).is_some_and(|name| name.wrapping == Wrapping::OpenPgp) {
            self.decryption.prepare(head, self.vouched.has(sha256));
        }
    }

    /// Writes the plain content of a stored file.
    pub(crate) fn open(
        &self,
        which: &str,
        wrapping: Wrapping,
        from: &mut (impl Read + Send + Sync),
        to: &mut dyn Write,
    ) -> Result<(), Failure> {
        match wrapping {
            Wrapping::OpenPgp => self.decryption.open(which, from, to),
            Wrapping::Gzip => {
                let inflate = Inflate::gzip(BufReader::with_capacity(BUFFER, from));
                copy(which, BufReader::with_capacity(BUFFER, inflate), to)
            }
            Wrapping::Plain => copy(which, from, to),
        }
    }

    /// Writes the plain content of a stored file, and nothing of it before all of it has been checked: here,
    /// unless it `is_checked`.
    pub(crate) fn open_checked(
        &self,
        is_checked: bool,
        which: &str,
        wrapping: Wrapping,
        from: &mut (impl Read + Seek + Send + Sync),
        to: &mut dyn Write,
    ) -> Result<(), Failure> {
        match wrapping {
            Wrapping::OpenPgp if !is_checked => self.decryption.open_checked(which, from, to),
            // The checks of the other wrappings keep nobody out.
            _ => self.open(which, wrapping, from, to),
        }
    }
}

fn copy(which: &str, mut from: impl Read, to: &mut dyn Write) -> Result<(), Failure> {
    io::copy(&mut from, to).map(drop).or_fail(Status::Integrity, which)
}
