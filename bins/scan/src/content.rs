//! Reading a file's content, once, and noticing what happens to it meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::SystemTime;

use progress::Reporter;
use rustix::fs::Stat;
use sha2::{Digest, Sha256};

use crate::clock::{TICK, is_fresh, is_recent};
use crate::entry;
use crate::holes::{Position, is_sparse};

/// A file that is being read, up to the length that it had at first. One whose length the system
/// gives as 0 is read to its end: it may be one of a file system that knows no lengths.
pub(crate) struct Content {
    file: File,
    stat: Stat,
    /// Whether it was being changed when the reading began: a further change could bear the same
    /// time.
    fresh: bool,
    /// Whether the same holds because its file system counts time in coarse steps.
    recent: bool,
    /// Bytes that are still to come, where the length is known.
    left: u64,
    /// Bytes that have come.
    read: u64,
    length: Length,
    sparse: bool,
    position: Position,
    hash: Sha256,
    failed: Option<String>,
    reporter: Reporter,
}

/// How much is read at once to compare.
const BUFFER: usize = 1 << 16;

/// What is known of a file's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known,
    /// The system says 0, and nothing has been read yet.
    Zero,
    /// The system says 0, and there is content.
    Unknown,
}

impl Content {
    /// `frozen` is when the snapshot was made that the file is in.
    pub(crate) fn new(
        file: OwnedFd,
        frozen: Option<SystemTime>,
        reporter: &Reporter,
    ) -> io::Result<Content> {
        let mut stat = rustix::fs::fstat(&file)?;
        if is_fresh(&stat) {
            // A change within the same tick would leave no trace for the next backup.
            sleep(TICK);
            stat = rustix::fs::fstat(&file)?;
        }
        let fresh = is_fresh(&stat);
        let recent = is_recent(&file, &stat, frozen);
        let length = if stat.st_size == 0 { Length::Zero } else { Length::Known };
        let left = u64::try_from(stat.st_size).unwrap_or(0);
        let file = File::from(file);
        let sparse = is_sparse(&file, &stat);
        let position = Position::start(sparse);
        let hash = Sha256::new();
        let failed = None;
        Ok(Content {
            file,
            stat,
            fresh,
            recent,
            left,
            read: 0,
            length,
            sparse,
            position,
            hash,
            failed,
            reporter: reporter.clone(),
        })
    }

    /// What the system says of the file that is open, which is what counts.
    pub(crate) fn stat(&self) -> &Stat {
        &self.stat
    }

    /// The open file.
    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Whether it has holes.
    pub(crate) fn is_sparse(&self) -> bool {
        self.sparse
    }

    /// The SHA-256 of what was read, in hex.
    pub(crate) fn sha256(&self) -> String {
        format!("{:x}", self.hash.clone().finalize())
    }

    /// Whether the file could have changed since without a trace in its times.
    pub(crate) fn is_recent(&self) -> bool {
        self.recent
    }

    /// Why what was read may not be what the file was at one moment; none where it is, or where
    /// the file has only grown.
    pub(crate) fn doubt(&self) -> Option<String> {
        let total = self.read + self.left;
        if let Some(why) = &self.failed {
            return Some(format!("only {} of {total} bytes could be read: {why}", self.read));
        }
        if self.left > 0 {
            return Some(format!("shrank by {} bytes while it was read", self.left));
        }
        (!self.is_steady().unwrap_or(false)).then(|| "was changed while it was read".to_owned())
    }

    /// Whether what was read is what the file was at one moment. Where only its times do not tell,
    /// since it has grown, or was changed just before, it is read once more: then it was so in
    /// between.
    fn is_steady(&self) -> io::Result<bool> {
        if self.fresh {
            // What comes later will bear another time than what was read.
            sleep(TICK);
        }
        let now = rustix::fs::fstat(&self.file)?;
        if !self.fresh && entry::changed(&now) == entry::changed(&self.stat) {
            return Ok(true);
        }
        let grown = now.st_size > self.stat.st_size;
        let unmodified = entry::modified(&now) == entry::modified(&self.stat);
        Ok((grown || unmodified) && self.reads_the_same()?)
    }

    fn reads_the_same(&self) -> io::Result<bool> {
        let mut again = Position::start(self.sparse);
        let mut left = self.read;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; BUFFER]);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            match again.read(&self.file, &mut buffer[..most])? {
                0 => return Ok(false),
                n => {
                    hash.update(&buffer[..n]);
                    left -= n as u64;
                }
            }
        }
        Ok(hash.finalize() == self.hash.clone().finalize())
    }
}

impl Content {
    /// Whether a file of length 0 that has content has just got it: then it is stored as it was.
    fn has_grown(&mut self) -> io::Result<bool> {
        if self.length == Length::Zero {
            self.length = Length::Unknown;
            return Ok(rustix::fs::fstat(&self.file)?.st_size != 0);
        }
        Ok(false)
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = match self.length {
            Length::Known => usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len()),
            Length::Zero | Length::Unknown => buffer.len(),
        };
        let n = self.position.read(&self.file, &mut buffer[..most])?;
        if n > 0 && self.has_grown()? {
            self.length = Length::Known;
            return Ok(0);
        }
        self.hash.update(&buffer[..n]);
        self.read += n as u64;
        self.reporter.read(n as u64);
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

impl Read for Content {
    /// A read error ends the content: what has come so far is on its way already.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_on(buffer).or_else(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return Err(error);
            }
            self.failed = Some(error.to_string());
            Ok(0)
        })
    }
}
