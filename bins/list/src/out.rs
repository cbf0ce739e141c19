//! Standard output: lines of text, lines of JSON, or names that end with NUL.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use archive::TreePath;
use failure::{Failure, Status};
use serde::Serialize;

use crate::shown;

/// Standard output.
pub(crate) struct Out {
    to: BufWriter<StdoutLock<'static>>,
}

impl Out {
    pub(crate) fn new() -> Out {
        Out { to: BufWriter::new(io::stdout().lock()) }
    }

    /// The same for names as they are, which could command a terminal.
    pub(crate) fn raw() -> Result<Out, Failure> {
        if io::stdout().is_terminal() {
            let why = "standard output: is a terminal (--null is for pipes)";
            return Err(Failure::new(Status::Usage, why));
        }
        Ok(Out::new())
    }

    /// Writes a line of text that has nothing foreign in it, or only what has been escaped.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.to, "{text}").map_err(|e| Failure::of_output(&e))
    }

    /// Writes a path as it is.
    pub(crate) fn path(&mut self, path: &TreePath) -> Result<(), Failure> {
        let bytes = if path.is_root() { b"." } else { path.as_bytes() };
        let written = self.to.write_all(bytes).and_then(|()| self.to.write_all(b"\0"));
        written.map_err(|e| Failure::of_output(&e))
    }

    /// Writes an object in a line.
    pub(crate) fn json(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(object)
            .map_err(|e| Failure::new(Status::Failed, format!("json: {e}")))?;
        self.line(&shown::in_json(&text))
    }

    /// Sends on what is still buffered.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(|e| Failure::of_output(&e))
    }
}
