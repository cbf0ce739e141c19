//! A group that is being made, while its files pass by.

use archive::{FileKind, FileName, SetId, parse_seal};
use failure::Failure;

use crate::accumulator::Accumulator;
use crate::description::{Description, Protected};
use crate::geometry::{
    Geometry, LARGE_SHARD, MOST_VOLUMES, SPOOLED, SPOOLED_SHARDS, limit, most_bytes,
};
use crate::share::Share;
use crate::spool::Spool;
use crate::sums::Leaves;
use crate::writer::Parity;

/// The files of a group so far.
pub struct Group {
    set: SetId,
    share: Share,
    /// What has come since the last chunk, or all of it.
    spool: Spool,
    spooled: u64,
    leaves: Leaves,
    /// The chunks before, if the group is a large one, and the checksums of their shards.
    large: Option<(Accumulator, Vec<u64>)>,
    files: Vec<Protected>,
    /// Bytes of all files.
    bytes: u64,
    /// Those of the file that is coming.
    coming: u64,
    /// The bytes of the files at the end that are to be rebuilt at least.
    last: u64,
    volumes: usize,
    largest: u64,
}

impl Group {
    /// An empty one.
    ///
    /// # Errors
    /// There is no temporary file.
    pub fn new(set: SetId, share: Share) -> Result<Group, Failure> {
        Ok(Group {
            set,
            share,
            spool: Spool::new()?,
            spooled: 0,
            leaves: Leaves::default(),
            large: None,
            files: Vec::new(),
            bytes: 0,
            coming: 0,
            last: 0,
            volumes: 0,
            largest: 0,
        })
    }

    /// The set that its files are of.
    pub fn set(&self) -> SetId {
        self.set
    }

    /// Adds bytes of the next file.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        self.coming += bytes.len() as u64;
        let room = limit() - self.bytes;
        bytes = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        self.leaves.add(bytes);
        while !bytes.is_empty() {
            if self.spooled == SPOOLED {
                self.fold()?;
            }
            let length = (SPOOLED - self.spooled).min(bytes.len() as u64);
            let (now, rest) = bytes.split_at(length as usize);
            self.spool.write(now, self.spooled)?;
            self.spooled += length;
            self.bytes += length;
            bytes = rest;
        }
        Ok(())
    }

    /// Takes whole chunks from the spool.
    fn fold(&mut self) -> Result<(), Failure> {
        let (mut sum, mut sums) = match self.large.take() {
            Some(large) => large,
            None => (Accumulator::new()?, Vec::new()),
        };
        sum.add(&self.spool, SPOOLED_SHARDS, &Geometry::of_large(), false)?;
        sums.extend(self.leaves.whole(LARGE_SHARD, SPOOLED_SHARDS));
        self.large = Some((sum, sums));
        self.spooled = 0;
        Ok(())
    }

    /// Ends a file, whose bytes have come.
    pub fn end(&mut self, name: &str, sha256: [u8; 32], kind: Kind) {
        let size = std::mem::take(&mut self.coming);
        let before: u64 = self.files.iter().map(|file| file.covered).sum();
        let covered = self.bytes - before;
        self.files.push(Protected { name: name.to_owned(), size, covered, sha256 });
        match kind {
            Kind::Volume => {
                self.volumes += 1;
                self.largest = self.largest.max(size);
                self.last = 0;
            }
            Kind::Other => self.last = 0,
            Kind::Last => self.last += covered,
        }
    }

    /// Whether it has no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether another volume may be too much for it.
    pub fn is_full(&self) -> bool {
        let next = self.largest + self.largest / 8;
        self.volumes >= MOST_VOLUMES || self.bytes + next > most_bytes(self.share)
    }

    /// Makes its parity.
    ///
    /// # Errors
    /// The temporary file cannot be read or written.
    pub fn finish(mut self) -> Result<Parity, Failure> {
        let geometry = Geometry::of(self.bytes, self.last, self.share);
        let shards = self.spooled.div_ceil(geometry.shard as u64);
        let shards = if self.bytes == 0 { 1 } else { shards };
        let filled = shards * geometry.shard as u64;
        self.spool.fill(self.spooled, filled)?;
        self.leaves.add(&vec![0; (filled - self.spooled) as usize]);
        let (mut sum, mut sums) = match self.large.take() {
            Some(large) => large,
            None => (Accumulator::new()?, Vec::new()),
        };
        sum.add(&self.spool, shards as usize, &geometry, true)?;
        sums.extend(self.leaves.whole(geometry.shard, shards as usize));
        let Group { set, share, files, .. } = self;
        let described = Description { set, share, geometry, files, sums };
        Parity::new(described, sum.into_spool())
    }
}

/// What a file of a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A volume.
    Volume,
    /// The signature file, or any other that a set can do without for a while.
    Other,
    /// The seal or the manifest, which come last, and can be rebuilt in any case.
    Last,
}

impl Kind {
    /// What a file of that name is.
    pub fn of(name: &str) -> Kind {
        match FileName::parse(name).map(|name| name.kind) {
            Some(FileKind::Volume(_)) => Kind::Volume,
            Some(FileKind::Manifest) => Kind::Last,
            None if parse_seal(name).is_some() => Kind::Last,
            _ => Kind::Other,
        }
    }
}
