//! A volume that is checked piece by piece while it is read: its manifest vouches for its checkpoints.
//!
//! Only checked pieces are handed on, so nothing of it has to be held back until its end has come.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use archive::CHECKPOINT;
use bytes::{Buf, Bytes};
use failure::{Failure, Status};
use sha2::{Digest, Sha256};
use stream::FilesInput;

use crate::broken;
use crate::hold::Hashed;

/// What a manifest says of a volume, the hashes in lower-case hex.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) sha256: String,
    pub(crate) checkpoints: Vec<String>,
}

/// The next bytes of a volume up to a checkpoint, as they came; no bytes at its end.
type Piece = Vec<Bytes>;

/// A volume that another thread receives and checks. It is read once, and then
/// [finished](Pieces::finish).
pub(crate) struct Pieces {
    sha256: String,
    // The mutex makes it one that threads may share, which its readers demand.
    from: Mutex<Receiver<Result<Piece, Failure>>>,
    piece: std::vec::IntoIter<Bytes>,
    chunk: Bytes,
    has_ended: bool,
}

/// Where the thread that receives a volume hands its pieces to.
pub(crate) struct Checker {
    which: String,
    expected: Expected,
    to: SyncSender<Result<Piece, Failure>>,
}

/// Both ends of a volume of that name. One piece is received while another one is read.
pub(crate) fn pieces(which: &str, expected: Expected) -> (Checker, Pieces) {
    let (to, from) = sync_channel(0);
    let (sha256, piece) = (expected.sha256.clone(), Vec::new().into_iter());
    let from = Mutex::new(from);
    let pieces = Pieces { sha256, from, piece, chunk: Bytes::new(), has_ended: false };
    (Checker { which: which.to_owned(), expected, to }, pieces)
}

impl Checker {
    /// Receives the file that the stream has come to, and shows its first piece to `look` before it is handed on.
    /// Returns whether somebody has taken all of it; the other end has the reason why not.
    pub(crate) fn run(&self, input: &mut FilesInput<File>, look: impl FnOnce(&[u8])) -> bool {
        match self.check(input, look) {
            Ok(()) => self.to.send(Ok(Vec::new())).is_ok(),
            Err(stop) => {
                // There is no reason where nobody listens.
                if let Some(failure) = stop {
                    let _ = self.to.send(Err(failure));
                }
                false
            }
        }
    }

    fn check(
        &self,
        input: &mut FilesInput<File>,
        look: impl FnOnce(&[u8]),
    ) -> Result<(), Option<Failure>> {
        let mut hash = Sha256::new();
        let (mut rest, mut look) = (Bytes::new(), Some(look));
        let mut checkpoints = self.expected.checkpoints.iter();
        loop {
            let piece = next_piece(input, &mut rest)?;
            piece.iter().for_each(|chunk| hash.update(chunk));
            let is_full = piece.iter().map(Bytes::len).sum::<usize>() == CHECKPOINT;
            let checkpoint = is_full.then(|| checkpoints.next()).flatten();
            let due = checkpoint.unwrap_or(&self.expected.sha256);
            if format!("{:x}", hash.clone().finalize()) != *due {
                return Err(Some(self.differs()));
            }
            if let (Some(look), Some(first)) = (look.take(), piece.first()) {
                look(first);
            }
            self.to.send(Ok(piece)).map_err(|_| None)?;
            if checkpoint.is_some() {
                continue;
            }
            // That was the last piece.
            let is_end = rest.is_empty() && input.chunk()?.is_none();
            return if is_end { Ok(()) } else { Err(Some(self.differs())) };
        }
    }

    fn differs(&self) -> Failure {
        broken(&self.which, "its hash differs from that in the manifest")
    }
}

/// The bytes up to the next checkpoint, or to the end. `rest` is what has come of those behind it.
fn next_piece(input: &mut FilesInput<File>, rest: &mut Bytes) -> Result<Piece, Failure> {
    let (mut piece, mut room) = (Vec::new(), CHECKPOINT);
    loop {
        if rest.is_empty() {
            match input.chunk()? {
                Some(chunk) => *rest = chunk,
                None => return Ok(piece),
            }
        }
        let chunk = rest.split_to(rest.len().min(room));
        room -= chunk.len();
        piece.push(chunk);
        if room == 0 {
            return Ok(piece);
        }
    }
}

impl Pieces {
    /// Reads on to the end, to check what is left.
    ///
    /// # Errors
    /// The volume is not the one that its manifest means, or has not come whole.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        while !self.has_ended {
            self.advance()?;
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<(), Failure> {
        let died = |_| Failure::new(Status::Failed, "standard input: its reader has died");
        let from = self.from.get_mut().unwrap_or_else(PoisonError::into_inner);
        let piece = from.recv().map_err(died)??;
        self.has_ended = piece.is_empty();
        self.piece = piece.into_iter();
        Ok(())
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.piece.next() {
                Some(chunk) => self.chunk = chunk,
                None if self.has_ended => return Ok(0),
                None => self.advance()?,
            }
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

impl Hashed for Pieces {
    fn sha256(&self) -> &str {
        &self.sha256
    }

    /// It has those that the manifest tells, or [`Pieces::finish`] fails.
    fn has_best_of(&mut self, hashes: &[(String, String)]) -> Result<bool, Failure> {
        let is_told = |hash: &(String, String)| {
            hash.0.eq_ignore_ascii_case("SHA256") && hash.1.eq_ignore_ascii_case(&self.sha256)
        };
        Ok(hashes.iter().any(is_told))
    }
}
