//! A parity file: what it consists of, how it is written, and how its recovery shards are read.

use std::io::{self, Read, Write};

use failure::{Failure, OrFail, Status};

use crate::description::Description;
use crate::spool::Spool;
use crate::sums;

/// The parity of a whole group.
pub struct Parity {
    described: Description,
    recovery: Spool,
}

impl Parity {
    pub(crate) fn new(mut described: Description, recovery: Spool) -> Result<Parity, Failure> {
        let length = described.geometry.shard;
        let mut shard = vec![0; length];
        for index in 0..described.geometry.recovery {
            recovery.read(&mut shard, (index * length) as u64)?;
            described.sums.push(sums::of_shard(&shard));
        }
        Ok(Parity { described, recovery })
    }

    /// What it says of its group.
    pub fn description(&self) -> &Description {
        &self.described
    }

    /// Writes the parity file.
    ///
    /// # Errors
    /// The temporary file cannot be read, or the output not be written.
    pub fn write_to(&self, to: &mut dyn Write) -> Result<(), Failure> {
        let copy = self.described.encode();
        let length = self.described.geometry.shard;
        let mut shard = vec![0; length];
        let mut next = 0;
        for number in 0..self.described.copies() {
            for index in next..self.described.recovery_before(number) {
                self.recovery.read(&mut shard, (index * length) as u64)?;
                to.write_all(&shard).or_fail(Status::Failed, "parity")?;
            }
            next = self.described.recovery_before(number);
            to.write_all(&copy).or_fail(Status::Failed, "parity")?;
        }
        Ok(())
    }
}

/// The recovery shards of a parity file, as they are read.
pub struct Recovery<'a, R> {
    described: &'a Description,
    copy: Vec<u8>,
    from: R,
    /// The copy that comes next, and the recovery shard.
    next: (usize, usize),
    intact: bool,
}

impl<'a, R: Read> Recovery<'a, R> {
    /// Reads a parity file with that description.
    pub fn new(described: &'a Description, from: R) -> Recovery<'a, R> {
        Recovery { described, copy: described.encode(), from, next: (0, 0), intact: true }
    }

    /// Whether all of the file is as it was made, once it has ended.
    pub fn is_intact(&self) -> bool {
        self.intact
    }

    /// The next undamaged recovery shard, with its index. `None` is the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_shard(&mut self) -> io::Result<Option<(usize, Vec<u8>)>> {
        while self.next.0 < self.described.copies() {
            let (copy, index) = self.next;
            if index == self.described.recovery_before(copy) {
                self.next.0 += 1;
                let read = self.read(self.copy.len())?;
                self.intact &= read == self.copy;
                continue;
            }
            self.next.1 += 1;
            let shard = self.read(self.described.geometry.shard)?;
            let whole = shard.len() == self.described.geometry.shard;
            if whole && self.described.recovery_sums().get(index) == Some(&sums::of_shard(&shard)) {
                return Ok(Some((index, shard)));
            }
            self.intact = false;
        }
        // Who has added something has changed it.
        let more = self.from.by_ref().take(1).read_to_end(&mut Vec::new())?;
        self.intact &= more == 0;
        Ok(None)
    }

    fn read(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length);
        self.from.by_ref().take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
