//! What a delta consists of, without its basis.

use std::io::{self, BufReader, ErrorKind, Read};

const BUFFER: usize = 64 << 10;

/// A part of the file that a delta makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// New bytes, which are in the delta from `at` on.
    New {
        /// Where in the delta.
        at: u64,
        /// How many bytes.
        length: u64,
    },
    /// Bytes of the basis from `at` on.
    Copy {
        /// Where in the basis.
        at: u64,
        /// How many bytes.
        length: u64,
    },
}

/// The extents of a delta, in the order of the file that it makes.
///
/// # Errors
/// The delta is malformed, or can't be read.
pub fn extents(delta: impl Read, mut each: impl FnMut(Extent) -> io::Result<()>) -> io::Result<()> {
    let mut commands = Commands { from: BufReader::with_capacity(BUFFER, delta), at: 0 };
    if commands.number(4)? != MAGIC {
        return Err(malformed());
    }
    while let Some(extent) = commands.next()? {
        each(extent)?;
    }
    Ok(())
}

const MAGIC: u64 = 0x7273_0236;

struct Commands<R> {
    from: BufReader<R>,
    /// How many bytes have been read.
    at: u64,
}

impl<R: Read> Commands<R> {
    fn next(&mut self) -> io::Result<Option<Extent>> {
        let command = self.number(1)?;
        match command {
            0 => Ok(None),
            1..=0x40 => self.new_bytes(command).map(Some),
            0x41..=0x44 => {
                let length = self.number(1 << (command - 0x41))?;
                self.new_bytes(length).map(Some)
            }
            0x45..=0x54 => {
                let widths = command - 0x45;
                let at = self.number(1 << (widths / 4))?;
                let length = self.number(1 << (widths % 4))?;
                Ok(Some(Extent::Copy { at, length }))
            }
            _ => Err(malformed()),
        }
    }

    fn new_bytes(&mut self, length: u64) -> io::Result<Extent> {
        let at = self.at;
        let skipped = io::copy(&mut self.from.by_ref().take(length), &mut io::sink())?;
        if skipped < length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.at += length;
        Ok(Extent::New { at, length })
    }

    /// A big-endian number of so many bytes.
    fn number(&mut self, width: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes[8 - width..])?;
        self.at += width as u64;
        Ok(u64::from_be_bytes(bytes))
    }
}

fn malformed() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "malformed delta")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delta, Hash, sign};
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// The file that a delta makes, by its extents.
    fn made(basis: &[u8], delta: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = Vec::new();
        extents(delta, |extent| {
            let (from, at, length) = match extent {
                Extent::New { at, length } => (delta, at, length),
                Extent::Copy { at, length } => (basis, at, length),
            };
            file.extend(&from[at as usize..(at + length) as usize]);
            Ok(())
        })?;
        Ok(file)
    }

    proptest! {
        #[test]
        fn the_extents_of_a_delta_make_the_file_that_it_makes(
            basis in vec(any::<u8>(), 0..9000),
            new in vec(any::<u8>(), 0..300),
            cut in 0usize..9000,
        ) {
            let cut = cut.min(basis.len());
            let content = [&basis[cut..], &new, &basis[..cut]].concat();
            let signature = sign("x", &basis[..], basis.len() as u64, Hash::Blake2).unwrap();
            let mut delta = Vec::new();
            Delta::new("x", &content[..], &signature).unwrap().read_to_end(&mut delta).unwrap();
            prop_assert_eq!(made(&basis, &delta).unwrap(), content.clone());
            let mut theirs = Vec::new();
            let job = librsync::Delta::new(&content[..], &mut &signature[..]);
            job.unwrap().read_to_end(&mut theirs).unwrap();
            prop_assert_eq!(made(&basis, &theirs).unwrap(), content);
        }

        #[test]
        fn no_delta_makes_the_reader_fall_over(delta in vec(any::<u8>(), 0..60)) {
            let _ = extents(&delta[..], |_| Ok(()));
            let _ = extents(&[&MAGIC.to_be_bytes()[4..], &delta].concat()[..], |_| Ok(()));
        }
    }
}
