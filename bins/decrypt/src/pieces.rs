//! A volume that is checked piece by piece while it is read: its manifest vouches for its checkpoints.
//!
//! Only checked pieces are handed on, so nothing of it has to be held back until its end has come.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use archive::{CHECKPOINT, hash_named};
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

/// The next bytes of a volume up to a checkpoint, as they came; no bytes are its end.
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

/// Both ends of a volume of that name. While one piece is read, the next one waits and another one is received.
pub(crate) fn pieces(which: &str, expected: Expected) -> (Checker, Pieces) {
    let (to, from) = sync_channel(1);
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
            let piece = next_piece(input, &mut rest, &mut hash)?;
            let is_last = rest.is_empty();
            let due = if is_last { Some(&self.expected.sha256) } else { checkpoints.next() };
            if due.is_none_or(|due| !is(&hash, due)) {
                return Err(Some(self.explain(input, hash, rest)?));
            }
            if let (Some(look), Some(first)) = (look.take(), piece.first()) {
                look(first);
            }
            if !piece.is_empty() {
                self.to.send(Ok(piece)).map_err(|_| None)?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Which of the two is not as it should be, the volume or its checkpoints: the hash of all of it tells.
    fn explain(
        &self,
        input: &mut FilesInput<File>,
        mut hash: Sha256,
        rest: Bytes,
    ) -> Result<Failure, Failure> {
        hash.update(rest);
        while let Some(chunk) = input.chunk()? {
            hash.update(chunk);
        }
        let why = match is(&hash, &self.expected.sha256) {
            true => {
                "is whole, but its checkpoints in the manifest are wrong; --keep-going reads it all the same"
            }
            false => "its hash differs from that in the manifest",
        };
        Ok(broken(&self.which, why))
    }
}

/// Whether that is the hash of what has come so far.
fn is(hash: &Sha256, due: &str) -> bool {
    format!("{:x}", hash.clone().finalize()) == *due
}

/// The bytes up to the next checkpoint or the end, hashed as they come. `rest` is what has come of those behind
/// it: nothing at the end.
fn next_piece(
    input: &mut FilesInput<File>,
    rest: &mut Bytes,
    hash: &mut Sha256,
) -> Result<Piece, Failure> {
    let (mut piece, mut room) = (Vec::new(), CHECKPOINT);
    loop {
        if rest.is_empty() {
            match input.chunk()? {
                Some(chunk) => *rest = chunk,
                None => return Ok(piece),
            }
        }
        if room == 0 {
            return Ok(piece);
        }
        let chunk = rest.split_to(rest.len().min(room));
        room -= chunk.len();
        hash.update(&chunk);
        piece.push(chunk);
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
        let named = hash_named(hashes, "SHA256");
        Ok(named.is_some_and(|value| value.eq_ignore_ascii_case(&self.sha256)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};
    use std::thread;

    use stream::{Annotations, Begin, FileWriter, StreamKind, Totals, deliver};

    use super::*;

    /// A stream of one file with that content, which has come to the file.
    fn input(content: &[u8]) -> FilesInput<File> {
        let mut stream = tempfile::tempfile().unwrap();
        let sent = deliver("moo-fetch", &mut stream, |output| {
            output.begin(&Begin::copy(StreamKind::Files, None))?;
            let mut writer = FileWriter::new(output, "vol1");
            writer.write_all(content).unwrap();
            writer.close(Annotations::default())?;
            Ok(Totals::default())
        });
        sent.unwrap();
        stream.rewind().unwrap();
        let mut input = FilesInput::open(stream).unwrap();
        assert_eq!(input.next_file().unwrap().as_deref(), Some("vol1"));
        input
    }

    fn sha256(bytes: &[u8]) -> String {
        format!("{:x}", Sha256::digest(bytes))
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    /// What comes through of a file, and how it ends, where these are the checkpoints. The whole stream is read.
    fn read(file: &[u8], whole: &[u8], checkpoints: Vec<String>) -> (usize, Result<(), String>) {
        let mut input = input(file);
        let (checker, mut pieces) = pieces("vol1", Expected { sha256: sha256(whole), checkpoints });
        thread::scope(|scope| {
            let run = scope.spawn(move || {
                let is_taken = checker.run(&mut input, |_| {});
                assert_eq!(
                    is_taken,
                    input.next_file().is_ok_and(|next| next.is_none()) && is_taken
                );
                is_taken
            });
            let mut read = Vec::new();
            let ended = pieces.read_to_end(&mut read).map(drop).map_err(|error| error.to_string());
            assert!(read == file[..read.len()]);
            let is_taken = run.join().unwrap();
            assert_eq!(is_taken, ended.is_ok());
            assert_eq!(is_taken, pieces.has_ended);
            (read.len(), ended)
        })
    }

    /// The right checkpoints, and with `end` one where the file ends.
    fn checkpoints(file: &[u8], end: bool) -> Vec<String> {
        let last = file.len() - usize::from(!end).min(file.len());
        (1..=last / CHECKPOINT).map(|n| sha256(&file[..n * CHECKPOINT])).collect()
    }

    #[test]
    fn a_file_of_any_length_comes_through_even_if_there_is_a_checkpoint_at_its_end() {
        for length in [0, 1, CHECKPOINT - 1, CHECKPOINT, CHECKPOINT + 1, 2 * CHECKPOINT] {
            let file = content(length);
            for end in [false, true] {
                let known = checkpoints(&file, end);
                assert_eq!(read(&file, &file, known), (length, Ok(())), "{length} {end}");
            }
        }
    }

    #[test]
    fn whether_the_volume_or_its_checkpoints_are_wrong_is_told() {
        let file = content(2 * CHECKPOINT + 9);
        let known = checkpoints(&file, false);
        let wrong = vec![known[0].clone(), known[0].clone()];
        for (odd, read_before) in
            [(known[..1].to_vec(), CHECKPOINT), (wrong, CHECKPOINT), (known[1..].to_vec(), 0)]
        {
            let (length, ended) = read(&file, &file, odd);
            assert_eq!(length, read_before);
            assert!(ended.unwrap_err().contains("its checkpoints in the manifest are wrong"));
        }
        for cut in [0, CHECKPOINT, file.len() - 1] {
            let (length, ended) = read(&file[..cut], &file, known.clone());
            assert!(length <= cut / CHECKPOINT * CHECKPOINT);
            assert_eq!(ended.unwrap_err(), "vol1: its hash differs from that in the manifest");
        }
    }
}
