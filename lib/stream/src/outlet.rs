//! What a program writes to standard output, and how it reports a failure there.

use std::fs::File;
use std::io::IsTerminal;

use crate::control::Totals;
use crate::output::{Output, deliver_by};
use crate::pipe;
use failure::Failure;

/// A program's standard output: a stream, or nothing that another program reads.
pub trait Outlet: Sized {
    /// Runs the program on its output, which ends as finished or as failed.
    fn deliver(
        stage: &str,
        run: impl FnOnce(&mut Self) -> Result<Totals, Failure>,
    ) -> Result<Totals, Failure>;

    /// Writes no stream to standard output, not even to report a failure.
    fn leave(&mut self) {}
}

impl Outlet for Output<File> {
    fn deliver(
        stage: &str,
        run: impl FnOnce(&mut Self) -> Result<Totals, Failure>,
    ) -> Result<Totals, Failure> {
        let terminal = std::io::stdout().is_terminal();
        deliver_by(stage, Output::new(pipe::output()?, terminal), run)
    }

    fn leave(&mut self) {
        self.text();
    }
}

/// A last stage: no stage reads its output.
impl Outlet for () {
    fn deliver(
        _stage: &str,
        run: impl FnOnce(&mut Self) -> Result<Totals, Failure>,
    ) -> Result<Totals, Failure> {
        run(&mut ())
    }
}
