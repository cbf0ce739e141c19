//! The part of some content that is looked at.

use std::io::{self, Read};

/// How much is read at once, if there is as much.
const AHEAD: usize = 128 << 10;
/// What a small file needs.
const LITTLE: usize = 4 << 10;

/// Content from where it has been passed to as far as it has been read.
pub(crate) struct Window<R> {
    content: R,
    bytes: Vec<u8>,
    start: usize,
    passed: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(content: R) -> Window<R> {
        Window { content, bytes: Vec::new(), start: 0, passed: 0, ended: false }
    }

    /// Reads on until there are so many bytes, or no more.
    pub(crate) fn fill(&mut self, length: usize) -> io::Result<()> {
        let missing = length.saturating_sub(self.bytes().len());
        if missing == 0 || self.ended {
            return Ok(());
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        let wanted = missing + AHEAD.max(length / 4);
        self.bytes.reserve(wanted.min(LITTLE));
        let read = self.content.by_ref().take(wanted as u64).read_to_end(&mut self.bytes)?;
        self.ended = read < wanted;
        Ok(())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Whether no byte comes after these.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Where in the content the window starts.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Leaves bytes behind, of those that there are.
    pub(crate) fn pass(&mut self, length: usize) {
        self.start = (self.start + length).min(self.bytes.len());
        self.passed += length as u64;
    }
}
