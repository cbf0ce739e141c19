//! The body of one packet of a message, out of its parts.

use std::io::{self, BufRead, Read};

use failure::{Failure, Status};
use sequoia_openpgp::packet::Tag;

use crate::frame::Frame;

/// A reader of the body of the packet with that tag, which ends a message. Where the message ends too
/// early, or something follows it, that is an error.
pub(crate) struct Body<R> {
    which: String,
    inner: R,
    frame: Frame,
    /// How many of the next bytes have been found to be body.
    ready: usize,
}

impl<R: BufRead> Body<R> {
    pub(crate) fn new(which: &str, tag: Tag, inner: R) -> Body<R> {
        Body { which: which.to_owned(), inner, frame: Frame::new(tag), ready: 0 }
    }

    /// Passes over what is no body. False where the message ends.
    fn find(&mut self) -> io::Result<bool> {
        while self.ready == 0 {
            let bytes = self.inner.fill_buf()?;
            if bytes.is_empty() && self.frame.is_cut_off() {
                return Err(self.refused("is cut off"));
            }
            if bytes.is_empty() {
                return Ok(false);
            }
            let (passed, is_body) = self.frame.pass(bytes);
            if self.frame.surplus {
                return Err(self.refused("something follows the message"));
            }
            if is_body {
                self.ready = passed;
            } else {
                self.inner.consume(passed);
            }
        }
        Ok(true)
    }

    fn refused(&self, why: &str) -> io::Error {
        io::Error::other(Failure::of(Status::Integrity, &self.which, why))
    }
}

impl<R: BufRead> BufRead for Body<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.find()? {
            return Ok(&[]);
        }
        let bytes = self.inner.fill_buf()?;
        Ok(&bytes[..self.ready.min(bytes.len())])
    }

    fn consume(&mut self, length: usize) {
        self.ready -= length;
        self.inner.consume(length);
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}
