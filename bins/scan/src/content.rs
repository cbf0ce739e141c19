//! Reading a file's content, once, and noticing what happens to it meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;
use sha2::{Digest, Sha256};

use crate::entry;
use crate::holes::{Position, is_sparse};

/// A file that is being read, up to the length that it had at first.
pub(crate) struct Content {
    file: File,
    stat: Stat,
    /// Whether it was being changed when the reading began: a further change could bear the same
    /// time.
    fresh: bool,
    left: u64,
    sparse: bool,
    position: Position,
    hash: Sha256,
    failed: Option<String>,
}

/// Longer than the clock of a file system takes for a tick.
const TICK: Duration = Duration::from_millis(10);

/// How much is read at once to compare.
const BUFFER: usize = 1 << 16;

impl Content {
    pub(crate) fn new(file: OwnedFd) -> io::Result<Content> {
        let mut stat = rustix::fs::fstat(&file)?;
        if is_fresh(&stat) {
            // A change within the same tick would leave no trace for the next backup.
            sleep(TICK);
            stat = rustix::fs::fstat(&file)?;
        }
        let fresh = is_fresh(&stat);
        let left = u64::try_from(stat.st_size).unwrap_or(0);
        let file = File::from(file);
        let sparse = is_sparse(&file, &stat);
        let position = Position::start(sparse);
        let hash = Sha256::new();
        Ok(Content { file, stat, fresh, left, sparse, position, hash, failed: None })
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

    /// Why what was read may not be what the file was at one moment; none where it is, or where
    /// the file has only grown.
    pub(crate) fn doubt(&self) -> Option<String> {
        let total = u64::try_from(self.stat.st_size).unwrap_or(0);
        if let Some(why) = &self.failed {
            return Some(format!(
                "only {} of {total} bytes could be read: {why}",
                total - self.left
            ));
        }
        if self.left > 0 {
            return Some(format!("became {} bytes shorter while it was read", self.left));
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
        let mut left = u64::try_from(self.stat.st_size).unwrap_or(0);
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

fn is_fresh(stat: &Stat) -> bool {
    let changed = entry::changed(stat);
    let Ok(secs) = u64::try_from(changed.secs) else {
        return false;
    };
    let changed = UNIX_EPOCH + Duration::new(secs, changed.nanos);
    SystemTime::now().duration_since(changed).is_ok_and(|age| age < TICK)
}

impl Read for Content {
    /// A read error ends the content: what has come so far is on its way already.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        match self.position.read(&self.file, &mut buffer[..most]) {
            Ok(n) => {
                self.hash.update(&buffer[..n]);
                self.left -= n as u64;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error.to_string());
                Ok(0)
            }
        }
    }
}
