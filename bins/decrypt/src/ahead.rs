//! Reading ahead: while one file is decrypted, the next one is received and hashed, and its session key is
//! derived from the passphrase. Of a volume that is checked piece by piece, that goes for its next piece.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use archive::{FileKind, FileName};
use failure::{Failure, OrFail, Status};
use stream::{FilesInput, Totals};

use crate::hold::{Hashed, Held};
use crate::pieces::{Expected, Pieces, pieces};
use crate::spool::Spools;
use crate::unwrap::Unwrap;

/// A file of the stream.
pub(crate) enum Incoming {
    /// One that has come as a whole, and has to be checked.
    Held(Held),
    /// A volume that comes in checked pieces.
    Pieces(Pieces),
}

/// The files of a stream. One more is held than the one that is in use.
pub(crate) struct Ahead {
    files: Receiver<(String, Incoming)>,
    /// Tells the reader that a manifest has been accepted or refused: it says how the volumes are to be read.
    settled: SyncSender<()>,
    awaits: bool,
    reader: JoinHandle<Result<Totals, Failure>>,
}

impl Ahead {
    /// Starts to read.
    pub(crate) fn start(input: FilesInput<File>, unwrap: &Arc<Unwrap>) -> Result<Ahead, Failure> {
        let (to, files) = sync_channel(0);
        let (settled, waits) = sync_channel(1);
        let reader = Reader { unwrap: Arc::clone(unwrap), spools: Arc::default(), to, waits };
        let reader = thread::Builder::new().spawn(move || reader.run(input));
        let reader = reader.or_fail(Status::Failed, "thread")?;
        Ok(Ahead { files, settled, awaits: false, reader })
    }

    /// The next file, once the one before has been dealt with; none where the stream has ended, be it
    /// well or not.
    pub(crate) fn next_file(&mut self) -> Option<(String, Incoming)> {
        if self.awaits {
            // A reader that is gone has ended the stream.
            let _ = self.settled.send(());
        }
        let (name, file) = self.files.recv().ok()?;
        self.awaits = is_manifest(&name);
        Some((name, file))
    }

    /// How the stream has ended, and what the stages before have counted.
    pub(crate) fn finish(self) -> Result<Totals, Failure> {
        drop((self.files, self.settled));
        let lost = |_| Err(Failure::new(Status::Failed, "standard input: its reader has died"));
        self.reader.join().unwrap_or_else(lost)
    }
}

fn is_manifest(stored: &str) -> bool {
    FileName::parse(stored).is_some_and(|name| name.kind == FileKind::Manifest)
}

/// The thread that reads.
struct Reader {
    unwrap: Arc<Unwrap>,
    spools: Arc<Spools>,
    to: SyncSender<(String, Incoming)>,
    waits: Receiver<()>,
}

impl Reader {
    fn run(&self, mut input: FilesInput<File>) -> Result<Totals, Failure> {
        while let Some(name) = input.next_file()? {
            let is_taken = match self.unwrap.vouched.volume(&name) {
                Some(expected) => self.check(&name, expected, &mut input),
                None => self.hold(&name, &mut input)?,
            };
            if !is_taken || (is_manifest(&name) && self.waits.recv().is_err()) {
                // The other thread has said why, or it takes what has come for all of the stream.
                let why = "standard input: has not been read to its end";
                return Err(Failure::new(Status::Failed, why));
            }
        }
        Ok(input.totals())
    }

    /// Holds a file, and returns whether somebody has taken it.
    fn hold(&self, name: &str, input: &mut FilesInput<File>) -> Result<bool, Failure> {
        let mut held = Held::read(name, input, &self.spools)?;
        let sha256 = held.sha256().to_owned();
        self.unwrap.prepare(name, &sha256, &mut held);
        held.rewind()?;
        Ok(self.to.send((name.to_owned(), Incoming::Held(held))).is_ok())
    }

    /// Checks a volume piece by piece, and returns whether somebody has taken all of it.
    fn check(&self, name: &str, expected: Expected, input: &mut FilesInput<File>) -> bool {
        let sha256 = expected.sha256.clone();
        let (checker, pieces) = pieces(name, expected);
        self.to.send((name.to_owned(), Incoming::Pieces(pieces))).is_ok()
            && checker.run(input, |first| self.unwrap.prepare(name, &sha256, first))
    }
}
