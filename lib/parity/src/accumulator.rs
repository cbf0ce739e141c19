//! Recovery shards, made as the shards come.
//!
//! The crate's own encoder wants all shards in memory. Its code of the high rate is a sum over chunks
//! of shards, though: each chunk is transformed back by itself, and only the sum is transformed
//! forward. So a chunk is spooled, transformed in columns of a few bytes of all of its shards, and
//! added to the sum, which is a temporary file too. The result is that of the crate's encoder, and
//! its decoder decodes it.

use reed_solomon_simd::engine::{DefaultEngine, Engine, ShardsRefMut, utils};

use failure::Failure;

use crate::geometry::Geometry;
use crate::spool::Spool;

/// The memory for a column of a chunk, in bytes.
const COLUMN: usize = 4 << 20;
/// The widest column, in bytes.
const WIDEST: usize = 16 << 10;
/// The unit of the engine.
const UNIT: usize = 64;

/// The sum over the chunks so far.
pub(crate) struct Accumulator {
    sum: Spool,
    /// The chunks that are in it.
    chunks: usize,
    engine: DefaultEngine,
    work: Vec<[u8; UNIT]>,
    total: Vec<[u8; UNIT]>,
}

impl Accumulator {
    pub(crate) fn new() -> Result<Accumulator, Failure> {
        let (work, total) = (Vec::new(), Vec::new());
        Ok(Accumulator { sum: Spool::new()?, chunks: 0, engine: DefaultEngine::new(), work, total })
    }

    /// Adds the next `shards` shards, which a spool begins with. All but the last time they are
    /// whole chunks; the `last` time turns the sum into the recovery shards.
    pub(crate) fn add(
        &mut self,
        spool: &Spool,
        shards: usize,
        geometry: &Geometry,
        last: bool,
    ) -> Result<(), Failure> {
        let chunk = geometry.chunk;
        let width = column_width(geometry);
        let cells = chunk * width / UNIT;
        self.work.resize(cells, [0; UNIT]);
        self.total.resize(cells, [0; UNIT]);
        for column in (0..geometry.shard).step_by(width) {
            let place = Column { at: column as u64, width, shard: geometry.shard as u64 };
            self.load(&place, chunk)?;
            for first in (0..shards).step_by(chunk) {
                let count = chunk.min(shards - first);
                self.transform(spool, &place, (first, count), chunk)?;
            }
            let rows = if last { self.finish(chunk, geometry.recovery) } else { chunk };
            self.save(&place, rows)?;
        }
        self.chunks += shards.div_ceil(chunk);
        Ok(())
    }

    /// The recovery shards, one after the other, after the last time.
    pub(crate) fn into_spool(self) -> Spool {
        self.sum
    }

    fn load(&mut self, place: &Column, chunk: usize) -> Result<(), Failure> {
        if self.chunks == 0 {
            self.total.fill([0; UNIT]);
            return Ok(());
        }
        place.read(&self.sum, 0..chunk, self.total.as_flattened_mut())
    }

    /// Adds a chunk to the total of the column.
    fn transform(
        &mut self,
        spool: &Spool,
        place: &Column,
        (first, count): (usize, usize),
        chunk: usize,
    ) -> Result<(), Failure> {
        let work = self.work.as_flattened_mut();
        place.read(spool, first..first + count, &mut work[..count * place.width])?;
        work[count * place.width..].fill(0);
        let before = self.chunks * chunk + first;
        let mut shards = ShardsRefMut::new(chunk, place.width / UNIT, &mut self.work);
        self.engine.ifft(&mut shards, 0, chunk, count, before + chunk);
        utils::xor(&mut self.total, &self.work);
        Ok(())
    }

    fn finish(&mut self, chunk: usize, recovery: usize) -> usize {
        let width = self.total.len() / chunk;
        let mut shards = ShardsRefMut::new(chunk, width, &mut self.total);
        self.engine.fft(&mut shards, 0, chunk, recovery, 0);
        recovery
    }

    fn save(&mut self, place: &Column, rows: usize) -> Result<(), Failure> {
        place.write(&self.sum, &self.total.as_flattened()[..rows * place.width])
    }
}

/// The bytes of a column that fit into memory, and if possible into the processor's cache: a power
/// of two, as all that it divides.
fn column_width(geometry: &Geometry) -> usize {
    (COLUMN / geometry.chunk).clamp(UNIT, geometry.shard.min(WIDEST))
}

/// The same few bytes of each shard.
struct Column {
    at: u64,
    width: usize,
    shard: u64,
}

impl Column {
    fn read(
        &self,
        spool: &Spool,
        shards: std::ops::Range<usize>,
        into: &mut [u8],
    ) -> Result<(), Failure> {
        // What lies side by side is read at once.
        if self.width as u64 == self.shard {
            return spool.read(into, shards.start as u64 * self.shard);
        }
        for (shard, cell) in shards.zip(into.chunks_exact_mut(self.width)) {
            spool.read(cell, shard as u64 * self.shard + self.at)?;
        }
        Ok(())
    }

    fn write(&self, spool: &Spool, from: &[u8]) -> Result<(), Failure> {
        if self.width as u64 == self.shard {
            return spool.write(from, 0);
        }
        for (shard, cell) in from.chunks_exact(self.width).enumerate() {
            spool.write(cell, shard as u64 * self.shard + self.at)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reed_solomon_simd::rate::{HighRateEncoder, RateEncoder};

    /// The recovery shards, where so many chunks are added at a time.
    fn made(geometry: &Geometry, bytes: &[u8], chunks: usize) -> Vec<u8> {
        let mut sum = Accumulator::new().unwrap();
        let at_once = chunks * geometry.chunk * geometry.shard;
        let mut parts = bytes.chunks(at_once).peekable();
        while let Some(part) = parts.next() {
            let spool = Spool::new().unwrap();
            spool.write(part, 0).unwrap();
            let last = parts.peek().is_none();
            sum.add(&spool, part.len() / geometry.shard, geometry, last).unwrap();
        }
        let mut recovery = vec![0; geometry.recovery_bytes() as usize];
        sum.into_spool().read(&mut recovery, 0).unwrap();
        recovery
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn they_are_those_of_the_encoder_of_the_crate(
            shards in 1usize..200, recovery in 1usize..70, chunks in 1usize..4, seed: u64,
        ) {
            let recovery = recovery.min(shards.max(2));
            let chunk = recovery.next_power_of_two();
            let geometry = Geometry { shard: 1024, shards, recovery, chunk };
            let mut state = seed | 1;
            let mut next = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; state as u8 };
            let bytes: Vec<u8> = (0..shards * 1024).map(|_| next()).collect();
            let mut encoder = HighRateEncoder::new(shards, recovery, 1024, DefaultEngine::new(), None).unwrap();
            bytes.chunks(1024).for_each(|shard| encoder.add_original_shard(shard).unwrap());
            let expected: Vec<u8> = encoder.encode().unwrap().recovery_iter().flatten().copied().collect();
            prop_assert!(made(&geometry, &bytes, chunks) == expected);
        }
    }
}
