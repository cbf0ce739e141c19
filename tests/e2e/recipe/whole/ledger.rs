//! What was run, and what it has said.

use std::cell::Cell;
use std::fmt::{self, Display, Formatter};

use tests::Run;

/// A count of commands and of their output.
#[derive(Default)]
pub(crate) struct Ledger {
    typed: Cell<usize>,
    bytes: Cell<usize>,
    nights: Cell<u32>,
}

impl Ledger {
    /// Somebody has typed that.
    pub(crate) fn typed(&self, run: Run) -> Run {
        self.typed.set(self.typed.get() + 1);
        self.bytes.set(self.bytes.get() + run.stdout.len() + run.stderr.len());
        run
    }

    /// The schedule has started a backup.
    pub(crate) fn night(&self) {
        self.nights.set(self.nights.get() + 1);
    }

    /// How often it has.
    pub(crate) fn nights(&self) -> u32 {
        self.nights.get()
    }
}

impl Display for Ledger {
    fn fmt(&self, text: &mut Formatter<'_>) -> fmt::Result {
        let Ledger { typed, bytes, nights } = self;
        let (typed, bytes, nights) = (typed.get(), bytes.get(), nights.get());
        write!(text, "{typed} commands typed, which said {bytes} bytes; {nights} nights")
    }
}
