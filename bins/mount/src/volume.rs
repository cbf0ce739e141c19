//! A decrypted volume, in a file without a name: nothing of it stays behind.
//!
//! Behind the tar are the places of its members, so that one is found without reading those before it.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::{EntryName, Part, TreePath};
use failure::{Failure, OrFail, Status, TemporaryFile};
use stream::{FilesInput, Member, Next, TarError, TarReader};

use crate::index::From;

const BLOCK: u64 = 512;

/// A volume that has been received.
pub(crate) struct Volume {
    file: File,
    /// What messages call it.
    which: String,
    /// Bytes of the tar, and how many members it has.
    length: u64,
    members: u64,
    /// The member that is likely to be looked for next: the one after the last that was found.
    likely: AtomicU64,
}

/// A member of a volume.
pub(crate) struct Found {
    /// Its number in the volume.
    pub(crate) number: u64,
    pub(crate) name: EntryName,
    pub(crate) member: Member,
    /// Where its body is.
    pub(crate) at: u64,
}

impl Found {
    /// Whether it is the first member for a path from that piece on.
    fn begins(&self, path: &TreePath, piece: u64) -> bool {
        let is_piece = match self.name.piece {
            Some(1) => piece <= 1,
            Some(number) => number == piece,
            None => piece == 0,
        };
        is_piece && self.name.path == *path
    }
}

impl Volume {
    /// Receives a volume.
    pub(crate) fn receive(which: &str, from: &mut FilesInput<File>) -> Result<Volume, Failure> {
        let file = tempfile::tempfile().or_fail(Status::Failed, TemporaryFile)?;
        let places = tempfile::tempfile().or_fail(Status::Failed, TemporaryFile)?;
        let copy = Copy { from, to: BufWriter::new(&file), length: 0, failed: false };
        let (length, members) = read(which, copy, &places)?;
        let mut places = From { file: &places, at: 0 };
        let mut behind = Behind { file: &file, at: length };
        io::copy(&mut places, &mut behind).or_fail(Status::Failed, TemporaryFile)?;
        let (which, likely) = (which.to_owned(), AtomicU64::new(0));
        Ok(Volume { file, which, length, members, likely })
    }

    /// How many bytes it takes on the disk.
    pub(crate) fn size(&self) -> u64 {
        self.length + self.members * 8
    }

    /// The first member for a path from that piece on.
    pub(crate) fn find(&self, path: &TreePath, piece: u64) -> Result<Option<Found>, Failure> {
        if let Some(likely) = self.next(self.likely.load(Ordering::Relaxed))?
            && likely.begins(path, piece)
        {
            self.likely.store(likely.number + 1, Ordering::Relaxed);
            return Ok(Some(likely));
        }
        let (mut from, mut end) = (0, self.members);
        while from < end {
            let middle = from + (end - from) / 2;
            let there = self.member(middle)?;
            let key = (&there.name.path, there.name.piece.unwrap_or(0));
            if key < (path, piece) { from = middle + 1 } else { end = middle }
        }
        let found = self.next(from)?.filter(|found| found.name.path == *path);
        if let Some(found) = &found {
            self.likely.store(found.number + 1, Ordering::Relaxed);
        }
        Ok(found)
    }

    /// The member of that number, if there are so many.
    pub(crate) fn next(&self, number: u64) -> Result<Option<Found>, Failure> {
        (number < self.members).then(|| self.member(number)).transpose()
    }

    /// Reads bytes of the tar.
    pub(crate) fn read(&self, at: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        self.file.read_exact_at(buffer, at).or_fail(Status::Failed, TemporaryFile)
    }

    fn member(&self, number: u64) -> Result<Found, Failure> {
        let mut place = [0; 8];
        self.read(self.length + number * 8, &mut place)?;
        let mut tar = TarReader::new(From { file: &self.file, at: u64::from_le_bytes(place) });
        let next = tar.advance().or_fail(Status::Integrity, &self.which)?;
        let Next::Member(member) = next else {
            return Err(Failure::of(Status::Integrity, &self.which, "has lost a member"));
        };
        let name = entry_name(&self.which, &member)?;
        Ok(Found { number, name, member: *member, at: tar.into_inner().at })
    }
}

/// The name of a member, if it is one of content.
fn entry_name(which: &str, member: &Member) -> Result<EntryName, Failure> {
    let name = restore::entry_name(which, member)?;
    let piece = name.piece.filter(|_| name.part != Part::Deleted);
    Ok(EntryName { piece, ..name })
}

/// Copies the tar. Returns its length, and the number of its members, whose places it writes.
fn read(which: &str, copy: Copy<'_>, places: &File) -> Result<(u64, u64), Failure> {
    let mut places = BufWriter::new(places);
    let mut tar = TarReader::new(copy);
    let (mut members, mut last) = (0, None::<EntryName>);
    loop {
        let place = tar.get_ref().length.next_multiple_of(BLOCK);
        let member = match tar.advance() {
            Ok(Next::Member(member)) => member,
            Ok(_) => break,
            Err(error) => return Err(tar.get_ref().failure(which, error)),
        };
        let name = entry_name(which, &member)?;
        check_order(which, last.as_ref(), &name)?;
        last = Some(name);
        let put = places.write_all(&place.to_le_bytes());
        put.or_fail(Status::Failed, TemporaryFile)?;
        members += 1;
        let copied = io::copy(&mut tar, &mut io::sink());
        copied.map_err(|error| tar.get_ref().failure(which, error.into()))?;
    }
    places.flush().or_fail(Status::Failed, TemporaryFile)?;
    let mut copy = tar.into_inner();
    // What fills the volume up is no part of the tar, but its end has to come.
    io::copy(&mut *copy.from, &mut io::sink()).or_fail(Status::Integrity, which)?;
    copy.to.flush().or_fail(Status::Failed, TemporaryFile)?;
    Ok((copy.length, members))
}

/// A restore refuses what is out of order; here it would not be found.
fn check_order(which: &str, last: Option<&EntryName>, name: &EntryName) -> Result<(), Failure> {
    let key = |name: &EntryName| (name.path.clone(), name.piece);
    match last {
        Some(last) if key(name) <= key(last) => {
            let why = format!("{}: is out of order in its volume", name.path);
            Err(Failure::of(Status::Integrity, which, why))
        }
        _ => Ok(()),
    }
}

/// A tar that is copied while it is read.
struct Copy<'a> {
    from: &'a mut FilesInput<File>,
    to: BufWriter<&'a File>,
    length: u64,
    /// Whether it could not be written.
    failed: bool,
}

impl Copy<'_> {
    fn failure(&self, which: &str, error: TarError) -> Failure {
        let failed = Err::<(), _>(error);
        let done = if self.failed {
            failed.or_fail(Status::Failed, TemporaryFile)
        } else {
            failed.or_fail(Status::Integrity, which)
        };
        done.err().unwrap_or_else(|| Failure::new(Status::Failed, which))
    }
}

impl Read for Copy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.to.write_all(&buffer[..n]).inspect_err(|_| self.failed = true)?;
        self.length += n as u64;
        Ok(n)
    }
}

/// A file that is written from a place on.
struct Behind<'a> {
    file: &'a File,
    at: u64,
}

impl Write for Behind<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write_at(bytes, self.at)?;
        self.at += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
