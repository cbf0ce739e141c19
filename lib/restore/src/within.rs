//! Applying a delta within the file that it applies to. Of a large file that has changed in a few places,
//! only these are written, whatever the number of its increments.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;

use rsync::{Extent, extents};
use rustix::fs::{Mode, OFlags, fstat, openat};

/// Smaller files are written anew as fast.
const LEAST: u64 = 1 << 20;
const BUFFER: usize = 64 << 10;

/// Opens a file of the new tree to be changed; none if it is small, or if it has several names.
pub(crate) fn open(parent: BorrowedFd<'_>, name: &[u8]) -> Option<File> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(parent, name, flags, Mode::empty()).ok()?;
    let stat = fstat(&file).ok()?;
    let is_large = u64::try_from(stat.st_size).is_ok_and(|size| size >= LEAST);
    (is_large && stat.st_nlink == 1).then(|| file.into())
}

/// Reads a delta into a file without a name.
pub(crate) fn spool(mut delta: impl Read, mut to: File) -> io::Result<File> {
    io::copy(&mut delta, &mut to)?;
    to.rewind()?;
    Ok(to)
}

/// Whether all that a delta keeps of the file stays where it is.
pub(crate) fn stays(delta: &File, file: &File) -> io::Result<bool> {
    let size = file.metadata()?.len();
    let (mut end, mut stays) = (0_u64, true);
    extents(from_start(delta)?, |extent| {
        let length = match extent {
            Extent::New { length, .. } => length,
            Extent::Copy { at, length } => {
                stays &= at == end && at.checked_add(length).is_some_and(|end| end <= size);
                length
            }
        };
        end = end.saturating_add(length);
        Ok(())
    })?;
    Ok(stays)
}

/// Writes what is new.
pub(crate) fn apply(delta: &File, file: &File) -> io::Result<()> {
    let mut end = 0;
    let mut buffer = vec![0; BUFFER];
    extents(from_start(delta)?, |extent| {
        end += match extent {
            Extent::Copy { length, .. } => length,
            Extent::New { at, length } => {
                let mut done = 0;
                while done < length {
                    let part = usize::try_from(length - done).unwrap_or(BUFFER).min(BUFFER);
                    delta.read_exact_at(&mut buffer[..part], at + done)?;
                    file.write_all_at(&buffer[..part], end + done)?;
                    done += part as u64;
                }
                length
            }
        };
        Ok(())
    })?;
    file.set_len(end)
}

/// A reader of its own, from the start of a file.
fn from_start(delta: &File) -> io::Result<impl Read> {
    Ok(BufReader::new(crate::state::FromStart::new(delta.try_clone()?)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rsync::{Delta, Hash, sign};

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn what_stays_in_its_place_is_kept_and_the_rest_is_written() {
        // No block is like another one.
        let mut number = 1_u64;
        let mut next = || {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (number >> 40) as u8
        };
        let basis: Vec<u8> = (0..300_000).map(|_| next()).collect();
        let signature = sign("x", &basis[..], basis.len() as u64, Hash::Blake2).unwrap();
        let changed =
            |from: usize, to: usize, by: &[u8]| [&basis[..from], by, &basis[to..]].concat();
        for (content, expected) in [
            (basis.clone(), true),
            (changed(100_000, 100_010, &[7; 10]), true),
            (changed(0, 5, &[7; 5]), true),
            (changed(300_000, 300_000, b"more"), true),
            (changed(250_000, 300_000, b""), true),
            (changed(100_000, 100_000, b"more"), false),
            (changed(100_000, 150_000, b""), false),
        ] {
            let mut delta = Vec::new();
            Delta::new("x", &content[..], &signature).unwrap().read_to_end(&mut delta).unwrap();
            let delta = spool(&delta[..], tempfile::tempfile().unwrap()).unwrap();
            let file = file(&basis);
            assert_eq!(stays(&delta, &file).unwrap(), expected);
            if expected {
                apply(&delta, &file).unwrap();
                let mut made = vec![0; content.len()];
                file.read_exact_at(&mut made, 0).unwrap();
                assert!(made == content && file.metadata().unwrap().len() == content.len() as u64);
            }
        }
    }
}
