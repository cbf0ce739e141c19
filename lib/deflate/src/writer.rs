//! A writer that compresses what it hands on.

use std::io::{self, Write};
use std::num::NonZero;

use crate::check::{Check, Format};
use crate::chunk::Packer;
use crate::workers::Workers;

/// How much is packed on its own. Larger chunks hardly become smaller.
const CHUNK: usize = 512 << 10;
/// A last block, stored, with nothing in it (RFC 1951, 3.2.4).
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// How hard a stream of one chunk is compressed at least: it takes a moment, and most increments
/// are no longer.
const SHORT_LEVEL: u8 = 7;

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// From 1 (fast) to 9 (small). What is short is compressed with 7 at least.
    pub level: u8,
    /// How many threads do it. With one, none is started.
    pub jobs: NonZero<usize>,
}

/// A writer that compresses what it hands on. It ends with [`Deflate::finish`] only.
pub struct Deflate<W> {
    to: W,
    effort: Effort,
    check: Check,
    chunk: Vec<u8>,
    /// There once there is more than one chunk.
    workers: Option<Workers>,
    packer: Option<Packer>,
}

impl<W: Write> Deflate<W> {
    /// Writes the header into `to`.
    pub fn new(mut to: W, format: Format, effort: Effort) -> io::Result<Deflate<W>> {
        let check = Check::new(format);
        to.write_all(check.header())?;
        Ok(Deflate { to, effort, check, chunk: Vec::new(), workers: None, packer: None })
    }

    /// Ends the compressed stream.
    pub fn finish(mut self) -> io::Result<W> {
        if self.is_short() {
            self.effort.level = self.effort.level.max(SHORT_LEVEL);
        }
        while self.take()? {}
        self.workers = None;
        let rest = std::mem::take(&mut self.chunk);
        self.pack(&rest)?;
        self.to.write_all(&LAST_BLOCK)?;
        self.to.write_all(&self.check.trailer())?;
        Ok(self.to)
    }

    /// Whether all that came is one chunk.
    fn is_short(&self) -> bool {
        self.workers.is_none() && self.packer.is_none()
    }

    /// Passes a full chunk on to be packed.
    fn give(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        let Effort { jobs, level } = self.effort;
        if self.workers.is_none() && jobs.get() > 1 {
            self.workers = Workers::start(jobs, level);
        }
        let Some(workers) = &mut self.workers else {
            self.pack(&chunk)?;
            self.reuse(chunk);
            return Ok(());
        };
        workers.give(chunk)?;
        if workers.are_busy() {
            self.take()?;
        }
        Ok(())
    }

    /// Packs a chunk here and now.
    fn pack(&mut self, chunk: &[u8]) -> io::Result<()> {
        let packer = self.packer.get_or_insert_with(|| Packer::new(self.effort.level));
        self.check.add(chunk);
        self.to.write_all(&packer.pack(chunk)?)
    }

    /// Writes what the oldest chunk that was given has become. False where there is none.
    fn take(&mut self) -> io::Result<bool> {
        let Some(packed) = self.workers.as_mut().map_or(Ok(None), Workers::take)? else {
            return Ok(false);
        };
        self.check.add(&packed.chunk);
        self.to.write_all(&packed.blocks)?;
        self.reuse(packed.chunk);
        Ok(true)
    }

    fn reuse(&mut self, mut chunk: Vec<u8>) {
        if self.chunk.capacity() == 0 {
            chunk.clear();
            self.chunk = chunk;
        }
    }
}

impl<W: Write> Write for Deflate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Passed on only when more comes: the last one is packed without starting any thread.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.give()?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Chunks go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
