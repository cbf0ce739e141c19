//! Standard error: a line of a terminal that is drawn again and again, and whole lines.

use std::io::{Stderr, Write, stderr};

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp, tcgetwinsize};

use crate::text::cut;

/// The columns of a terminal that does not know.
const COLUMNS: u16 = 80;

/// Standard error.
pub(crate) struct Screen {
    to: Stderr,
    /// Whether the line may be on the terminal.
    drawn: bool,
    /// Whether the terminal showed what is typed when the command began.
    echoed: bool,
}

impl Screen {
    pub(crate) fn new() -> Screen {
        let to = stderr();
        let echoed = echoes(&to);
        Screen { to, drawn: false, echoed }
    }

    /// Draws the line in place of the last one. The cursor stays at its start, so that a message of
    /// another process overwrites it.
    pub(crate) fn draw(&mut self, text: &str) {
        if self.is_taken() {
            self.drawn = false;
            return;
        }
        let columns = tcgetwinsize(&self.to).map_or(COLUMNS, |size| size.ws_col);
        let columns = if columns == 0 { COLUMNS } else { columns };
        // In the last column some terminals begin a new line.
        let text = cut(text, usize::from(columns.saturating_sub(1)));
        self.write(&format!("\r{text}\x1b[K\r"));
        self.drawn = true;
    }

    /// Removes the line.
    pub(crate) fn forget(&mut self) {
        if std::mem::take(&mut self.drawn) && !self.is_taken() {
            self.write("\r\x1b[K");
        }
    }

    /// Writes a whole line in one call, so that lines of several processes do not mix.
    pub(crate) fn say(&mut self, line: &str) {
        self.forget();
        self.write(&format!("{line}\n"));
    }

    /// Whether the terminal is somebody else's: of another job, or of who asks for a passphrase.
    fn is_taken(&self) -> bool {
        let other_job = tcgetpgrp(&self.to).is_ok_and(|group| group != getpgrp());
        other_job || (self.echoed && !echoes(&self.to))
    }

    fn write(&mut self, text: &str) {
        // Without standard error, the exit status remains.
        let _ = self.to.write_all(text.as_bytes());
    }
}

fn echoes(terminal: &Stderr) -> bool {
    tcgetattr(terminal).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ECHO))
}
