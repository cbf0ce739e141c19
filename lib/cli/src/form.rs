//! The form in which a command shows its progress, and the memory that all its processes share for
//! that.
//!
//! [`VARIABLE`] contains `DESCRIPTOR:INODE` of the memory, like the lifeline's variable. Its first
//! byte is the form, and the name of the reason of a failure follows; the rest belongs to the crate
//! `progress`.

use std::fs::File;
use std::os::unix::fs::FileExt;

use failure::{Failure, Reason};

use crate::lifeline;

/// The environment variable that names the memory.
pub const VARIABLE: &str = "MOO_PROGRESS";

/// What a terminal needs to forget the line that the cursor is on.
const FORGET: &str = "\r\x1b[K";

/// The form in which a command shows its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// None.
    Nothing,
    /// One line of a terminal that is drawn again and again.
    Line,
    /// Whole lines without control characters.
    Plain,
    /// Lines of JSON.
    Json,
}

impl Form {
    const ALL: [(Form, u8); 4] =
        [(Form::Nothing, b'n'), (Form::Line, b'l'), (Form::Plain, b'p'), (Form::Json, b'j')];

    /// The form of a command, from its memory; none before it has been chosen.
    pub fn read(memory: &File) -> Option<Form> {
        let mut byte = [0];
        memory.read_at(&mut byte, 0).ok()?;
        Form::ALL.iter().find(|(_, known)| *known == byte[0]).map(|(form, _)| *form)
    }

    /// Makes this the form of the command, unless it has one.
    pub fn choose(self) {
        let Some(memory) = memory().filter(|memory| Form::read(memory).is_none()) else { return };
        let byte = Form::ALL.iter().find(|(form, _)| *form == self).map_or(0, |(_, byte)| *byte);
        // It only serves what a person sees.
        let _ = memory.write_all_at(&[byte], 0);
    }
}

/// The place of the reason, and the bytes that it has.
const REASON: (u64, usize) = (64, 64);

/// Records why the command fails, for programs that react to it. The last stage that knows it says so.
pub fn record(failure: &Failure) {
    let name = failure.reason().name();
    let Some(memory) = memory().filter(|_| failure.reason() != Reason::Other) else { return };
    let mut bytes = [0; REASON.1];
    bytes.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte = letter);
    let _ = memory.write_all_at(&bytes, REASON.0);
}

/// The reason that was recorded. The memory may hold anything.
pub fn reason(memory: &File) -> Reason {
    let mut bytes = [0; REASON.1];
    let read = memory.read_at(&mut bytes, REASON.0).unwrap_or_default();
    let end = bytes.iter().take(read).position(|byte| *byte == 0).unwrap_or_default();
    std::str::from_utf8(&bytes[..end]).map_or(Reason::Other, Reason::from_name)
}

/// The memory of this command, if it has a supervisor.
pub fn memory() -> Option<File> {
    lifeline::inherited(VARIABLE, File::options().read(true).write(true))
}

/// What to write before a message, so that it does not begin on the progress line.
pub fn forget_line() -> &'static str {
    let form = memory().as_ref().and_then(Form::read);
    if form == Some(Form::Line) { FORGET } else { "" }
}
