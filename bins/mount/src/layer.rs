//! What one set stores of a file: its content, or a delta to what the sets before have.

use std::io::{self, Read};
use std::sync::Arc;

use archive::{PIECE, Part, SetTime, TreePath};
use failure::{Failure, OrFail, Status, TemporaryFile};
use rsync::{Extent, extents};

use crate::table::{Table, TableWriter};
use crate::volume::Volume;
use crate::volumes::{Volumes, holding};

/// Bytes of a piece, the last one of a file aside.
const WHOLE_PIECE: u64 = PIECE as u64;
/// What the source of a row of a delta is.
const FROM_DELTA: u64 = 0;
const FROM_BASIS: u64 = 1;

/// What a set stores of a file.
pub(crate) enum Layer {
    /// Content in pieces of one size, of which none has been looked at.
    Even { size: u64 },
    /// Content, and where in which volume each part of it is.
    Content { body: Table },
    /// A delta: where its parts are, and where those of the file come from.
    Delta { body: Table, file: Table },
}

/// A part of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// Bytes of a volume.
    Volume { number: u64, at: u64, length: u64 },
    /// Bytes of the file in the set before.
    Basis { at: u64, length: u64 },
}

impl Layer {
    /// How large the file is, in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Layer::Even { size } => *size,
            Layer::Content { body } => body.length,
            Layer::Delta { file, .. } => file.length,
        }
    }

    /// Reads what a set stores of a path, whose size may be recorded.
    pub(crate) fn read(
        volumes: &mut Volumes,
        (set, is_full): (SetTime, bool),
        path: &TreePath,
        size: Option<u64>,
    ) -> Result<Layer, Failure> {
        if let Some(size) = size {
            // A full set has no deltas, so the pieces are where they should be, or are found not to be.
            if is_full || first_part(volumes, set, path)? == Part::Snapshot {
                return Ok(Layer::Even { size });
            }
        }
        Layer::scan(volumes, set, path)
    }

    /// Reads all that a set stores of a path.
    pub(crate) fn scan(
        volumes: &mut Volumes,
        set: SetTime,
        path: &TreePath,
    ) -> Result<Layer, Failure> {
        let mut body = Body::new(volumes, set, path)?;
        let part = body.part()?;
        if part != Part::Diff {
            io::copy(&mut body, &mut io::sink()).or_fail(Status::Integrity, path)?;
            return Ok(Layer::Content { body: body.finish()? });
        }
        let mut file = TableWriter::new();
        let read = extents(&mut body, |extent| match extent {
            Extent::New { at, length } => file.add(length, FROM_DELTA, at),
            Extent::Copy { at, length } => file.add(length, FROM_BASIS, at),
        });
        read.or_fail(Status::Integrity, path)?;
        let body = body.finish()?;
        Ok(Layer::Delta { body, file: file.finish().or_fail(Status::Failed, TemporaryFile)? })
    }

    /// Where the bytes of the file from a place on come from. Not all of them need to come from there.
    ///
    /// # Errors
    /// [`Uneven`] if the pieces are not of one size: then all of the set has to be read.
    pub(crate) fn source(
        &self,
        volumes: &mut Volumes,
        set: SetTime,
        path: &TreePath,
        place: u64,
    ) -> Result<Source, SourceError> {
        match self {
            Layer::Even { size } => even_source(volumes, (set, path), *size, place),
            Layer::Content { body } => Ok(in_volume(body, place, u64::MAX)?),
            Layer::Delta { body, file } => {
                let row = file.find(place)?;
                let (within, length) = (place - row.start, row.length - (place - row.start));
                if row.source == FROM_BASIS {
                    let at = row.at.checked_add(within).ok_or_else(|| out_of_basis(path))?;
                    return Ok(Source::Basis { at, length });
                }
                Ok(in_volume(body, row.at + within, length)?)
            }
        }
    }
}

/// The failure of a delta that copies what its basis does not have.
pub(crate) fn out_of_basis(path: &TreePath) -> Failure {
    Failure::of(Status::Integrity, path, "its delta copies more than the file before has")
}

/// Why it is not known where bytes of a file come from.
pub(crate) enum SourceError {
    /// The pieces are not of one size.
    Uneven,
    Failed(Failure),
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> SourceError {
        SourceError::Failed(failure)
    }
}

fn in_volume(body: &Table, place: u64, most: u64) -> Result<Source, Failure> {
    let row = body.find(place)?;
    let within = place - row.start;
    let length = (row.length - within).min(most);
    Ok(Source::Volume { number: row.source, at: row.at + within, length })
}

/// Where the piece that holds a place is, in the one volume that can have it.
fn even_source(
    volumes: &mut Volumes,
    (set, path): (SetTime, &TreePath),
    size: u64,
    place: u64,
) -> Result<Source, SourceError> {
    let number = place / WHOLE_PIECE + 1;
    let manifest = volumes.manifest(set)?;
    let candidates: Vec<u64> = holding(&manifest, path, number..=number).collect();
    for volume in candidates {
        let there = volumes.volume((set, volume))?;
        // The first piece may be the only member, without a number.
        let found = match number {
            1 => there.find(path, 0)?,
            _ => match there.find(path, number)? {
                None => there.find(path, 0)?,
                found => found,
            },
        };
        let Some(found) =
            found.filter(|found| found.name.piece.is_none_or(|piece| piece == number))
        else {
            continue;
        };
        let (start, due) = match found.name.piece {
            None => (0, size),
            Some(_) => {
                let start = (number - 1) * WHOLE_PIECE;
                (start, WHOLE_PIECE.min(size - start))
            }
        };
        if found.name.part != Part::Snapshot || found.member.size != due {
            return Err(SourceError::Uneven);
        }
        let within = place - start;
        let at = found.at + within;
        return Ok(Source::Volume { number: volume, at, length: due - within });
    }
    Err(SourceError::Uneven)
}

/// Whether the first that a set has of a path is content or a delta.
fn first_part(volumes: &mut Volumes, set: SetTime, path: &TreePath) -> Result<Part, Failure> {
    first(volumes, set, path).map(|(found, _)| found.name.part)
}

/// The first member that a set has of a path, and its volume.
pub(crate) fn first(
    volumes: &mut Volumes,
    set: SetTime,
    path: &TreePath,
) -> Result<(crate::volume::Found, Arc<Volume>), Failure> {
    let manifest = volumes.manifest(set)?;
    for number in holding(&manifest, path, 0..=1).collect::<Vec<_>>() {
        let volume = volumes.volume((set, number))?;
        if let Some(found) = volume.find(path, 0)? {
            return Ok((found, volume));
        }
    }
    Err(missing(set, path))
}

fn missing(set: SetTime, path: &TreePath) -> Failure {
    let why = format!("the signatures of the set of {set} have it, and the volumes do not");
    Failure::of(Status::Integrity, path, why)
}

/// What a set has of a path, joined from its pieces as a restore does.
struct Body<'a> {
    volumes: &'a mut Volumes,
    set: SetTime,
    path: &'a TreePath,
    /// The volumes that are still to come, the next one last.
    due: Vec<u64>,
    /// The volume that is read, and the number of the next member there.
    open: Option<(u64, Arc<Volume>, u64)>,
    part: Option<Part>,
    /// What is left of the last member, and where that is.
    left: u64,
    at: u64,
    ended: bool,
    table: TableWriter,
}

impl<'a> Body<'a> {
    fn new(
        volumes: &'a mut Volumes,
        set: SetTime,
        path: &'a TreePath,
    ) -> Result<Body<'a>, Failure> {
        let manifest = volumes.manifest(set)?;
        let mut due: Vec<u64> = holding(&manifest, path, 0..=u64::MAX).collect();
        due.reverse();
        let table = TableWriter::new();
        let (open, part) = (None, None);
        Ok(Body { volumes, set, path, due, open, part, left: 0, at: 0, ended: false, table })
    }

    /// Goes to the first member.
    fn part(&mut self) -> Result<Part, Failure> {
        self.advance()?;
        self.part.ok_or_else(|| missing(self.set, self.path))
    }

    /// Goes to the next member of the path, if there is one.
    fn advance(&mut self) -> Result<(), Failure> {
        loop {
            let (volume, found) = match &mut self.open {
                Some((volume, there, next)) => (*volume, there.next(*next)?),
                None => {
                    let Some(number) = self.due.pop() else { return self.end() };
                    let there = self.volumes.volume((self.set, number))?;
                    let found = there.find(self.path, 0)?;
                    self.open = Some((number, there, 0));
                    (number, found)
                }
            };
            let Some(found) = found else {
                self.open = None;
                continue;
            };
            let same = found.name.path == *self.path
                && self
                    .part
                    .is_none_or(|part| part == found.name.part && found.name.piece.is_some());
            if !same {
                return self.end();
            }
            if let Some((_, _, next)) = &mut self.open {
                *next = found.number + 1;
            }
            self.part = Some(found.name.part);
            (self.left, self.at) = (found.member.size, found.at);
            let noted = self.table.add(self.left, volume, self.at);
            noted.or_fail(Status::Integrity, self.path)?;
            if found.name.piece.is_none() {
                self.due.clear();
            }
            return Ok(());
        }
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.ended = true;
        Ok(())
    }

    fn finish(self) -> Result<Table, Failure> {
        self.table.finish().or_fail(Status::Failed, TemporaryFile)
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.ended {
            self.advance()?;
        }
        let n = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if let Some((_, volume, _)) = self.open.as_ref().filter(|_| n > 0) {
            volume.read(self.at, &mut buffer[..n])?;
        }
        self.at += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}
