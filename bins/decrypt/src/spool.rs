//! Where files are held: the start of each in memory, the rest in a temporary file without a name.
//!
//! Memory and temporary files are used again for the next file. To fill new pages and to free them takes
//! longer than the copies.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that stay in memory.
const IN_MEMORY: usize = 4 << 20;

/// What is free to be used again.
#[derive(Default)]
pub(crate) struct Spools(Mutex<Vec<Room>>);

/// Room for one file.
#[derive(Default)]
struct Room {
    memory: Vec<u8>,
    /// May have bytes of an earlier file after those of this one.
    disk: Option<File>,
}

impl Spools {
    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Room>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The content of one file. It is written first, and then read.
pub(crate) struct Spool {
    room: Room,
    /// In bytes.
    len: u64,
    /// The next byte to be read.
    at: u64,
    spools: Arc<Spools>,
}

impl Spool {
    /// An empty one.
    pub(crate) fn new(spools: &Arc<Spools>) -> Spool {
        let room = spools.free().pop().unwrap_or_default();
        Spool { room, len: 0, at: 0, spools: Arc::clone(spools) }
    }

    /// In bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let mut room = std::mem::take(&mut self.room);
        room.memory.clear();
        self.spools.free().push(room);
    }
}

impl Write for Spool {
    /// Appends.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Room { memory, disk } = &mut self.room;
        let fits = bytes.len().min(IN_MEMORY - memory.len());
        let written = if fits > 0 {
            memory.extend_from_slice(&bytes[..fits]);
            fits
        } else {
            let file = match disk {
                Some(file) => file,
                None => disk.insert(tempfile::tempfile()?),
            };
            file.write_at(bytes, self.len - memory.len() as u64)?
        };
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Spool {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Room { memory, disk } = &self.room;
        let left = usize::try_from(self.len - self.at).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let read = match (self.at.checked_sub(memory.len() as u64), disk) {
            (None, _) => (&memory[self.at as usize..]).read(buffer)?,
            (Some(place), Some(file)) => file.read_at(&mut buffer[..most], place)?,
            (Some(_), None) => 0,
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Spool {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        let place = place.filter(|place| *place <= self.len);
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths of files around what stays in memory, a long one before each short one.
    const LENGTHS: [usize; 7] =
        [IN_MEMORY + 70_000, 0, IN_MEMORY, 1, IN_MEMORY + 1, 3 * IN_MEMORY, 5000];

    fn content(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|at| (at * seed % 251) as u8).collect()
    }

    #[test]
    fn each_file_comes_back_as_it_was_and_nothing_of_the_one_before_it() {
        let spools = Arc::default();
        for (seed, length) in LENGTHS.into_iter().enumerate() {
            let content = content(length, seed + 3);
            let mut spool = Spool::new(&spools);
            content.chunks(100_000).for_each(|chunk| spool.write_all(chunk).unwrap());
            assert_eq!(spool.len(), length as u64);
            for from in [0, length / 2, length] {
                let mut read = Vec::new();
                spool.seek(SeekFrom::Start(from as u64)).unwrap();
                spool.read_to_end(&mut read).unwrap();
                assert!(read == content[from..], "{length} from {from}");
            }
            assert!(spool.seek(SeekFrom::Start(length as u64 + 1)).is_err());
        }
        assert_eq!(spools.free().len(), 1);
    }

    #[test]
    fn files_that_are_held_at_the_same_time_share_nothing() {
        let spools = Arc::default();
        let long = |seed| content(IN_MEMORY + 10, seed);
        let mut held = [3, 7].map(|seed| {
            let mut spool = Spool::new(&spools);
            spool.write_all(&long(seed)).unwrap();
            (spool, long(seed))
        });
        for (spool, content) in &mut held {
            let mut read = Vec::new();
            spool.read_to_end(&mut read).unwrap();
            assert!(read == *content);
        }
    }
}
