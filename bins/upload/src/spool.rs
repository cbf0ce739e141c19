//! A file that is kept until it has arrived. It can be written while it is being sent, and it can be
//! sent again from its start when a connection is lost.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How far the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More may come.
    Growing,
    /// It is complete.
    Complete,
    /// It is not wanted any more.
    Dropped,
}

struct State {
    len: u64,
    progress: Progress,
}

/// A file on its way, on disk under no name; both ends share it.
pub(crate) struct Spool {
    file: File,
    state: Mutex<State>,
    changed: Condvar,
}

impl Spool {
    /// An empty one, in the folder for temporary files.
    pub(crate) fn new() -> io::Result<Arc<Spool>> {
        let state = State { len: 0, progress: Progress::Growing };
        let file = tempfile::tempfile()?;
        Ok(Arc::new(Spool { file, state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// Adds to its end.
    pub(crate) fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let len = self.state().len;
        self.file.write_all_at(bytes, len)?;
        self.state().len = len + bytes.len() as u64;
        self.changed.notify_all();
        Ok(())
    }

    /// Says that it has ended, one way or the other.
    pub(crate) fn end(&self, progress: Progress) {
        let mut state = self.state();
        if state.progress == Progress::Growing {
            state.progress = progress;
        }
        self.changed.notify_all();
    }

    /// How long it is now, and whether that is all. Waits, up to that time, while it is no longer
    /// than `known` and more may come.
    pub(crate) fn wait_beyond(&self, known: u64, time: Duration) -> (u64, Progress) {
        let waiting = |state: &mut State| state.len <= known && state.progress == Progress::Growing;
        let waited = self.changed.wait_timeout_while(self.state(), time, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (state.len, state.progress)
    }

    /// Whether it is not wanted any more.
    pub(crate) fn is_dropped(&self) -> bool {
        self.state().progress == Progress::Dropped
    }

    /// How long it is so far, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.state().len
    }

    /// Reads bytes that are known to exist.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is consistent after each statement, even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
