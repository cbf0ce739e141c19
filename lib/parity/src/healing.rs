//! Rebuilding the damaged shards of a group.
//!
//! The parity of what is left is made as that of a new group is, with zeros for the damaged shards.
//! The difference to the stored parity is that of the damaged shards alone. So the decoder gets
//! zeros for all other shards, and only as many bytes are spooled as there are recovery shards.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use failure::{Failure, OrFail, Status};
use reed_solomon_simd::engine::DefaultEngine;
use reed_solomon_simd::rate::{HighRateDecoder, RateDecoder};

use crate::accumulator::Accumulator;
use crate::description::Description;
use crate::spool::Spool;
use crate::sums;
use crate::writer::Recovery;

/// The memory of the decoder, in bytes.
const DECODED: usize = 16 << 20;
/// The unit of the engine.
const UNIT: usize = 64;
/// Bytes that are copied at a time.
const BUFFER: usize = 64 << 10;

/// A group that is read in order to find its damaged shards.
pub struct Healing<'a> {
    described: &'a Description,
    sum: Accumulator,
    spool: Spool,
    /// The shards in the spool.
    spooled: usize,
    /// The shard that is coming.
    shard: Vec<u8>,
    /// Its index.
    next: usize,
    damaged: Vec<usize>,
}

impl<'a> Healing<'a> {
    /// Before the first file.
    ///
    /// # Errors
    /// There is no temporary file.
    pub fn new(described: &'a Description) -> Result<Healing<'a>, Failure> {
        let (sum, spool) = (Accumulator::new()?, Spool::new()?);
        let shard = Vec::with_capacity(described.geometry.shard);
        Ok(Healing { described, sum, spool, spooled: 0, shard, next: 0, damaged: Vec::new() })
    }

    /// Reads the next file, of which the group has `covered` bytes. What cannot be read of it is
    /// damaged.
    ///
    /// # Errors
    /// The store cannot be reached, or a temporary file not be written.
    pub fn file(&mut self, covered: u64, from: Option<&mut dyn Read>) -> Result<(), Failure> {
        let mut missing = covered;
        let mut buffer = vec![0; BUFFER];
        if let Some(from) = from {
            while missing > 0 {
                let wanted = missing.min(BUFFER as u64) as usize;
                match from.read(&mut buffer[..wanted]) {
                    Ok(0) => break,
                    Ok(n) => {
                        self.take(&buffer[..n])?;
                        missing -= n as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => match Err(error).or_fail(Status::Refused, "store") {
                        Err(failure) if failure.status() == Status::Lost => return Err(failure),
                        Err(_) | Ok(()) => break,
                    },
                }
            }
        }
        buffer.fill(0);
        while missing > 0 {
            let length = missing.min(BUFFER as u64);
            self.take(&buffer[..length as usize])?;
            missing -= length;
        }
        Ok(())
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let length = (self.described.geometry.shard - self.shard.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(length);
            self.shard.extend_from_slice(now);
            bytes = rest;
            if self.shard.len() == self.described.geometry.shard {
                self.end_shard()?;
            }
        }
        Ok(())
    }

    fn end_shard(&mut self) -> Result<(), Failure> {
        if self.described.shard_sums().get(self.next) != Some(&sums::of_shard(&self.shard)) {
            self.damaged.push(self.next);
            self.shard.fill(0);
        }
        if self.spooled == self.described.geometry.chunk {
            self.sum.add(&self.spool, self.spooled, &self.described.geometry, false)?;
            self.spooled = 0;
        }
        self.spool.write(&self.shard, (self.spooled * self.shard.len()) as u64)?;
        self.spooled += 1;
        self.next += 1;
        self.shard.clear();
        Ok(())
    }

    /// Rebuilds the damaged shards, after the last file.
    ///
    /// # Errors
    /// More shards are damaged than there are recovery shards; a file cannot be read.
    pub fn finish<R: Read>(mut self, recovery: &mut Recovery<'_, R>) -> Result<Rebuilt, Failure> {
        if self.next < self.described.geometry.shards {
            self.shard.resize(self.described.geometry.shard, 0);
            self.end_shard()?;
        }
        self.sum.add(&self.spool, self.spooled, &self.described.geometry, true)?;
        let Healing { described, sum, spool, damaged, .. } = self;
        let sum = sum.into_spool();
        let rows = differences(&sum, recovery, damaged.len())?;
        if rows.len() < damaged.len() {
            let why = format!(
                "{} of {} shards are damaged, and the parity can rebuild {}",
                damaged.len(),
                described.geometry.shards,
                rows.len()
            );
            return Err(Failure::new(Status::Integrity, why));
        }
        // The chunk is not needed any more.
        decode(described, (&sum, &rows), (&spool, &damaged))?;
        let places = damaged.into_iter().zip(0..).collect();
        Ok(Rebuilt { shard: described.geometry.shard as u64, places, spool })
    }
}

/// Takes the stored parity from that of what is left. Returns which recovery shards there are, up
/// to the number that is needed.
fn differences<R: Read>(
    sum: &Spool,
    recovery: &mut Recovery<'_, R>,
    needed: usize,
) -> Result<Vec<usize>, Failure> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    while rows.len() < needed {
        let Some((index, shard)) = recovery.next_shard().or_fail(Status::Refused, "parity")? else {
            break;
        };
        row.resize(shard.len(), 0);
        let at = (index * shard.len()) as u64;
        sum.read(&mut row, at)?;
        row.iter_mut().zip(&shard).for_each(|(byte, stored)| *byte ^= stored);
        sum.write(&row, at)?;
        rows.push(index);
    }
    Ok(rows)
}

/// Writes the damaged shards into a spool, one after the other.
fn decode(
    described: &Description,
    (sum, rows): (&Spool, &[usize]),
    (into, damaged): (&Spool, &[usize]),
) -> Result<(), Failure> {
    if damaged.is_empty() {
        return Ok(());
    }
    let geometry = &described.geometry;
    let elements = (geometry.shards + geometry.chunk).next_power_of_two();
    let width = (DECODED / elements).next_power_of_two().clamp(UNIT, geometry.shard);
    let wrong = |error: reed_solomon_simd::Error| Failure::of(Status::Failed, "parity", error);
    let (shards, chunk) = (geometry.shards, geometry.chunk);
    let mut decoder =
        HighRateDecoder::new(shards, chunk, width, DefaultEngine::new(), None).map_err(wrong)?;
    let zeros = vec![0; width];
    let mut cell = vec![0; width];
    for column in (0..geometry.shard).step_by(width) {
        let at = |row: usize| (row * geometry.shard + column) as u64;
        let mut gaps = damaged.iter().copied().peekable();
        for shard in 0..shards {
            if gaps.next_if_eq(&shard).is_none() {
                decoder.add_original_shard(shard, &zeros).map_err(wrong)?;
            }
        }
        for row in rows {
            sum.read(&mut cell, at(*row))?;
            decoder.add_recovery_shard(*row, &cell).map_err(wrong)?;
        }
        let decoded = decoder.decode().map_err(wrong)?;
        for (place, shard) in damaged.iter().enumerate() {
            if let Some(cell) = decoded.restored_original(*shard) {
                into.write(cell, at(place))?;
            }
        }
        drop(decoded);
        decoder.reset(shards, chunk, width).map_err(wrong)?;
    }
    Ok(())
}

/// The damaged shards of a group, rebuilt.
pub struct Rebuilt {
    shard: u64,
    /// The places in the spool, by the indexes of the shards.
    places: HashMap<usize, u64>,
    spool: Spool,
}

impl Rebuilt {
    /// Writes a file of the group: what is damaged of it as it was rebuilt, all else as it is
    /// stored. That the result is the right file is for its hash to tell.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write_file(
        &self,
        described: &Description,
        number: usize,
        mut stored: Option<Box<dyn Read + Send + Sync>>,
        to: &mut dyn Write,
    ) -> Result<(), Failure> {
        let Some(file) = described.files.get(number) else { return Ok(()) };
        let start: u64 = described.files[..number].iter().map(|file| file.covered).sum();
        let mut buffer = vec![0; BUFFER];
        let mut done = 0;
        while done < file.size {
            let at = start + done;
            let place =
                self.places.get(&((at / self.shard) as usize)).filter(|_| done < file.covered);
            let end = if done < file.covered { file.covered } else { file.size };
            let length = (end - done).min(self.shard - at % self.shard).min(BUFFER as u64);
            let bytes = &mut buffer[..length as usize];
            let read = stored.as_mut().map_or(Ok(0), |stored| read_up_to(stored, bytes));
            match place {
                Some(place) => self.spool.read(bytes, place * self.shard + at % self.shard)?,
                None => {
                    let read = read.or_fail(Status::Refused, &file.name)?;
                    // Zeros that are missing are no damage.
                    bytes[read..].fill(0);
                }
            }
            to.write_all(bytes).or_fail(Status::Failed, &file.name)?;
            done += length;
        }
        Ok(())
    }
}

/// Reads until a buffer is full or nothing follows.
fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match from.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
