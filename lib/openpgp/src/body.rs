//! The body of the encrypted packet of a message, out of its parts.

use std::io::{self, Read};

use stream::{Failure, Status};

use crate::frame::Frame;

/// A reader of the body of the encrypted packet in a message. Where the message ends too early, or
/// something follows it, that is an error.
pub(crate) struct Body<R> {
    which: String,
    inner: R,
    frame: Frame,
}

impl<R: Read> Body<R> {
    pub(crate) fn new(which: &str, inner: R) -> Body<R> {
        Body { which: which.to_owned(), inner, frame: Frame::new() }
    }

    /// Moves what is body to the front. Returns how much it is.
    fn gather(&mut self, buffer: &mut [u8]) -> usize {
        let (mut at, mut gathered) = (0, 0);
        while at < buffer.len() {
            let (passed, is_body) = self.frame.pass(&buffer[at..]);
            if is_body {
                buffer.copy_within(at..at + passed, gathered);
                gathered += passed;
            }
            at += passed;
        }
        gathered
    }

    fn refused(&self, why: &str) -> io::Error {
        io::Error::other(Failure::new(Status::Integrity, format!("{}: {why}", self.which)))
    }
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.inner.read(buffer)?;
            if length == 0 && !buffer.is_empty() && self.frame.is_cut_off() {
                return Err(self.refused("is cut off"));
            }
            let gathered = self.gather(&mut buffer[..length]);
            if self.frame.surplus {
                return Err(self.refused("something follows the message"));
            }
            if gathered > 0 || length == 0 {
                return Ok(gathered);
            }
        }
    }
}
