//! How deltas are applied.

use std::cell::Cell;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::rc::Rc;

use failure::{Failure, OrFail, Status};

const BUFFER: usize = 64 << 10;

/// The file that `delta` makes out of `basis`, as it is read. `which` is named in errors.
pub fn patch<'a>(
    which: &str,
    basis: impl Read + Seek + 'a,
    delta: impl Read + 'a,
) -> Result<impl Read + 'a, Failure> {
    let delta = BufReader::with_capacity(BUFFER, delta);
    let trouble = Rc::new(Cell::new(None));
    let basis = Basis { which: which.to_owned(), file: basis, trouble: trouble.clone() };
    let job = librsync::Patch::with_buf_read(basis, delta).or_fail(Status::Integrity, which)?;
    Ok(Patch { job, trouble })
}

/// What has gone wrong with the old file: librsync only tells that something has.
type Trouble = Rc<Cell<Option<Failure>>>;

/// The old file.
struct Basis<B> {
    which: String,
    file: B,
    trouble: Trouble,
}

impl<B> Basis<B> {
    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.or_fail(Status::Failed, &self.which).map_err(|failure| {
            self.trouble.set(Some(failure.clone()));
            failure.into()
        })
    }
}

impl<B: Read> Read for Basis<B> {
    /// Reads again where a signal interrupts it, which librsync does not.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return self.noted(done),
            }
        }
    }
}

impl<B: Seek> Seek for Basis<B> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self.file.seek(to) {
            // A place that no file has: the delta is at fault, and not the file.
            Err(error) if error.kind() == ErrorKind::InvalidInput => Err(error),
            done => self.noted(done),
        }
    }
}

/// The new file.
struct Patch<J> {
    job: J,
    trouble: Trouble,
}

impl<J: Read> Read for Patch<J> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.job.read(buffer).map_err(|error| self.trouble.take().map_or(error, io::Error::from))
    }
}
