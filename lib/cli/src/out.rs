//! The standard output of programs that list something: lines of text, lines of JSON, or names that end
//! with NUL.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use archive::TreePath;
use failure::{Failure, Status};
use serde::Serialize;

use crate::{form, shown};

/// Standard output.
pub struct Out {
    to: BufWriter<StdoutLock<'static>>,
    terminal: bool,
}

impl Out {
    /// Standard output, which nobody else in the program writes to.
    #[must_use]
    pub fn new() -> Out {
        let terminal = io::stdout().is_terminal();
        Out { to: BufWriter::new(io::stdout().lock()), terminal }
    }

    /// The same for names as they are, which could command a terminal.
    ///
    /// # Errors
    /// It is one.
    pub fn raw() -> Result<Out, Failure> {
        if io::stdout().is_terminal() {
            let why = "standard output: is a terminal (--null is for pipes)";
            return Err(Failure::new(Status::Usage, why));
        }
        Ok(Out::new())
    }

    /// Writes a line of text that has nothing foreign in it, or only what has been escaped.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        let fresh = if self.terminal { form::forget_line() } else { "" };
        writeln!(self.to, "{fresh}{text}").map_err(|e| Failure::of_output(&e))
    }

    /// Writes a path as it is.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn path(&mut self, path: &TreePath) -> Result<(), Failure> {
        let bytes = if path.is_root() { b"." } else { path.as_bytes() };
        let written = self.to.write_all(bytes).and_then(|()| self.to.write_all(b"\0"));
        written.map_err(|e| Failure::of_output(&e))
    }

    /// Writes an object in a line.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn json(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(object)
            .map_err(|e| Failure::new(Status::Failed, format!("json: {e}")))?;
        self.line(&shown::in_json(&text))
    }

    /// Sends on what is still buffered.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(|e| Failure::of_output(&e))
    }
}

impl Default for Out {
    fn default() -> Out {
        Out::new()
    }
}
