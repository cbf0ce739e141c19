//! Reading ahead: while one file is decrypted, the next one is received and hashed, and its session key is
//! derived from the passphrase.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use failure::{Failure, OrFail, Status};
use stream::{FilesInput, Totals};

use crate::hold::Held;
use crate::unwrap::Unwrap;

/// The files of a stream, each held as a whole. One more is held than the one that is in use.
pub(crate) struct Ahead {
    files: Receiver<(String, Held)>,
    reader: JoinHandle<Result<Totals, Failure>>,
}

impl Ahead {
    /// Starts to read.
    pub(crate) fn start(input: FilesInput<File>, unwrap: &Arc<Unwrap>) -> Result<Ahead, Failure> {
        let (sender, files) = sync_channel(0);
        let unwrap = Arc::clone(unwrap);
        let reader = thread::Builder::new().spawn(move || read(input, &unwrap, &sender));
        Ok(Ahead { files, reader: reader.or_fail(Status::Failed, "thread")? })
    }

    /// The next file; none where the stream has ended, be it well or not.
    pub(crate) fn next_file(&self) -> Option<(String, Held)> {
        self.files.recv().ok()
    }

    /// How the stream has ended, and what the stages before have counted.
    pub(crate) fn finish(self) -> Result<Totals, Failure> {
        drop(self.files);
        let lost = |_| Err(Failure::new(Status::Failed, "standard input: its reader has died"));
        self.reader.join().unwrap_or_else(lost)
    }
}

fn read(
    mut input: FilesInput<File>,
    unwrap: &Unwrap,
    files: &SyncSender<(String, Held)>,
) -> Result<Totals, Failure> {
    let spools = Arc::default();
    while let Some(name) = input.next_file()? {
        let mut held = Held::read(&name, &mut input, &spools)?;
        unwrap.prepare(&name, &mut held)?;
        if files.send((name, held)).is_err() {
            break;
        }
    }
    Ok(input.totals())
}
