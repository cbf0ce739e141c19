//! Holes in sparse files: where nothing is stored, nothing is read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, Stat, fstat, seek};
use rustix::io::Errno;

/// A unit of `st_blocks`.
const UNIT: u64 = 512;
/// Smaller files have no holes that are worth a look.
const SMALLEST: u64 = 4096;

/// The position in a file that is read, with its holes as zeros.
pub(crate) struct Position {
    at: u64,
    /// Where the stretch ends that the position is in, and whether it is a hole.
    end: u64,
    hole: bool,
}

impl Position {
    /// At the start of a file; one that is no sparse file has no holes.
    pub(crate) fn start(sparse: bool) -> Position {
        Position { at: 0, end: if sparse { 0 } else { u64::MAX }, hole: false }
    }

    /// Reads on. At the file's end it reads nothing.
    pub(crate) fn read(&mut self, file: &File, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.end {
            self.stretch(file)?;
        }
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let n = if self.hole {
            buffer[..most].fill(0);
            most
        } else {
            file.read_at(&mut buffer[..most], self.at)?
        };
        self.at += n as u64;
        Ok(n)
    }

    /// Finds the end of the stretch that begins here.
    fn stretch(&mut self, file: &File) -> io::Result<()> {
        let data = match seek(file, SeekFrom::Data(self.at)) {
            // No data from here on, or, where it has been cut meanwhile, not even a hole.
            Err(Errno::NXIO) => length(file)?.max(self.at),
            data => data?,
        };
        self.hole = data > self.at;
        self.end = if self.hole || data >= length(file)? {
            data
        } else {
            seek(file, SeekFrom::Hole(self.at))?
        };
        Ok(())
    }
}

fn length(file: &File) -> io::Result<u64> {
    Ok(u64::try_from(fstat(file)?.st_size).unwrap_or(0))
}

/// Whether a file has holes.
pub(crate) fn is_sparse(file: &File, stat: &Stat) -> bool {
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let stored = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(UNIT);
    // Where a file system packs what it stores, fewer blocks alone are no holes.
    let less = size > SMALLEST && stored < size;
    less && seek(file, SeekFrom::Hole(0)).is_ok_and(|hole| hole < size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Reads all, in buffers of that size.
    fn all(file: &File, buffer: usize, sparse: bool) -> Vec<u8> {
        let (mut position, mut read) = (Position::start(sparse), Vec::new());
        let mut buffer = vec![9; buffer];
        loop {
            let n = position.read(file, &mut buffer).unwrap();
            if n == 0 {
                return read;
            }
            read.extend_from_slice(&buffer[..n]);
        }
    }

    #[test]
    fn holes_are_zeros_wherever_they_are() {
        let maps: [&[(u64, usize)]; 5] =
            [&[], &[(0, 5000)], &[(100_000, 10)], &[(0, 1), (65_536, 1)], &[(199_999, 1)]];
        for map in maps {
            let file = tempfile::tempfile().unwrap();
            for (at, length) in map {
                file.write_all_at(&vec![7; *length], *at).unwrap();
            }
            file.set_len(200_000).unwrap();
            assert!(is_sparse(&file, &fstat(&file).unwrap()));
            let plain = all(&file, 65_536, false);
            assert_eq!(plain.len(), 200_000);
            for buffer in [1000, 65_536, 1 << 20] {
                assert!(all(&file, buffer, true) == plain, "{map:?} {buffer}");
            }
        }
    }

    #[test]
    fn a_file_without_holes_is_not_sparse() {
        for length in [0, 1, 5000, 100_000] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&vec![0; length]).unwrap();
            file.sync_all().unwrap();
            assert!(!is_sparse(&file, &fstat(&file).unwrap()), "{length}");
            assert_eq!(all(&file, 1000, true).len(), length);
        }
    }

    #[test]
    fn a_file_that_is_cut_meanwhile_has_ended() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(100_000).unwrap();
        let mut position = Position::start(true);
        let mut buffer = [0; 10_000];
        position.read(&file, &mut buffer).unwrap();
        position.end = position.at;
        file.set_len(5000).unwrap();
        assert_eq!(position.read(&file, &mut buffer).unwrap(), 0);
    }
}
