//! A failure: its status, its reason, and the message for the user.

use std::fmt;
use std::io;

use crate::{Reason, Status, legible};

/// The program that prints it: a failure is printed once, by the program where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Here,
    Upstream { stage: String },
    ClosedPipe,
}

/// Why a program ends before its work is done.
///
/// The message reads `which: why`, in lower case and without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    status: Status,
    message: String,
    /// The bytes of the message that name the subject, with the colon and the blank after it.
    label: usize,
    origin: Origin,
    reason: Reason,
}

impl Failure {
    /// A failure of this program, whose message names the subject by itself.
    pub fn new(status: Status, message: impl Into<String>) -> Failure {
        let message = message.into();
        Failure { status, message, label: 0, origin: Origin::Here, reason: Reason::Other }
    }

    /// A failure of this program: `which: why`.
    pub fn of(status: Status, which: impl fmt::Display, why: impl fmt::Display) -> Failure {
        let which = format!("{which}: ");
        let label = which.len();
        Failure { label, ..Failure::new(status, format!("{which}{why}")) }
    }

    /// A failure of a previous stage, which has printed it.
    pub fn upstream(stage: impl Into<String>, status: Status, message: impl Into<String>) -> Self {
        Failure {
            origin: Origin::Upstream { stage: stage.into() },
            ..Failure::new(status, message)
        }
    }

    /// This failure with another name for the subject. A failure of a previous stage does not
    /// change.
    #[must_use]
    pub fn about(self, which: impl fmt::Display) -> Failure {
        if !self.is_news() {
            return self;
        }
        Failure { reason: self.reason, ..Failure::of(self.status, which, self.why()) }
    }

    /// This failure with a reason, for programs that react to it.
    #[must_use]
    pub fn because(self, reason: Reason) -> Failure {
        Failure { reason, ..self }
    }

    /// This failure of something inside of `place`, which the message names first.
    #[must_use]
    pub fn inside(self, place: impl fmt::Display) -> Failure {
        if !self.is_news() {
            return self;
        }
        Failure { reason: self.reason, ..Failure::of(self.status, place, self.message) }
    }

    /// What happened.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The next stage has ended; it has printed the reason, or was killed.
    pub fn closed_pipe() -> Failure {
        let failure = Failure::of(
            Status::Failed,
            "standard output",
            "closed by the next program in the pipe",
        );
        Failure { origin: Origin::ClosedPipe, ..failure }
    }

    /// A failed read of standard input.
    pub fn of_input(error: &io::Error) -> Failure {
        Failure::of(Status::Failed, "standard input", plain(error))
    }

    /// A failed write to standard output: the end of the reader is no news of ours.
    pub fn of_output(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::closed_pipe();
        }
        Failure::of(Status::Failed, "standard output", plain(error))
    }

    /// The status that the program exits with.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The message without the program's name.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message without its subject, if that is known.
    pub fn why(&self) -> &str {
        &self.message[self.label..]
    }

    /// The message for a reader who knows that name: without the subject, if it is that name.
    pub fn beside(&self, which: &str) -> &str {
        let own = self.message[..self.label].strip_suffix(": ") == Some(which);
        if own { self.why() } else { &self.message }
    }

    /// The previous stage that failed, if it was not this one.
    pub fn stage(&self) -> Option<&str> {
        match &self.origin {
            Origin::Upstream { stage } => Some(stage),
            _ => None,
        }
    }

    /// Whether this program prints it.
    pub fn is_news(&self) -> bool {
        self.origin == Origin::Here
    }

    /// Whether the program should end as one whose reader has gone away.
    pub fn is_closed_pipe(&self) -> bool {
        self.origin == Origin::ClosedPipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&legible::line(&self.message))
    }
}

impl std::error::Error for Failure {}

/// The failure inside an I/O error, which passes through readers that know only I/O errors.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        io::Error::other(failure)
    }
}

/// Turns a result with a foreign error into one with a failure.
pub trait OrFail<T> {
    /// On error: `which: error`, with that status. A failure inside an I/O error is unpacked
    /// unchanged.
    fn or_fail(self, status: Status, which: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: std::error::Error + 'static> OrFail<T> for Result<T, E> {
    fn or_fail(self, status: Status, which: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| {
            travelled(&error).unwrap_or_else(|| {
                let reason = if is_full(&error) { Reason::DiskFull } else { Reason::Other };
                Failure::of(status, which, plain(&error)).because(reason)
            })
        })
    }
}

/// The failure at the bottom of a chain of errors, if one travelled there.
fn travelled(error: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(failure.clone());
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(failure) = travelled(inner)
        {
            return Some(failure);
        }
        next = error.source();
    }
    None
}

/// Whether a file system or a quota is full: `ENOSPC` or `EDQUOT`, whichever type of error it is.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let text = error.to_string();
    ["(os error 28)", "(os error 122)"].iter().any(|end| text.ends_with(end))
}

/// An error in the form of our messages: lower case, without "(os error N)", but with the limit that
/// the caller can raise.
fn plain(error: &(dyn std::error::Error + 'static)) -> String {
    let text = error.to_string();
    let (text, number) = text.split_once(" (os error ").unwrap_or((&text, ""));
    let limit = match number {
        "11)" => " (ulimit -u, -v)",
        "12)" => " (ulimit -v)",
        "24)" => " (ulimit -n)",
        "27)" => " (ulimit -f)",
        _ => "",
    };
    lower_case(text) + limit
}

fn lower_case(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first)
            if !text.starts_with(|c: char| {
                c.is_uppercase() && text[c.len_utf8()..].starts_with(char::is_uppercase)
            }) =>
        {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_system_lose_their_capital_and_number() {
        let error = io::Error::from_raw_os_error(2);
        let failure = Err::<(), _>(error).or_fail(Status::Failed, "/etc/x").unwrap_err();
        assert_eq!(failure.message(), "/etc/x: no such file or directory");
        let error = io::Error::from_raw_os_error(27);
        let failure = Err::<(), _>(error).or_fail(Status::Failed, "x").unwrap_err();
        assert_eq!(failure.message(), "x: file too large (ulimit -f)");
    }

    #[test]
    fn the_name_of_what_failed_is_told_once() {
        let failure = Failure::of(Status::Key, "a: b", "c: d").because(Reason::NoBackup);
        assert_eq!((failure.message(), failure.why()), ("a: b: c: d", "c: d"));
        assert_eq!((failure.beside("a: b"), failure.beside("a")), ("c: d", "a: b: c: d"));
        let renamed = failure.about("e");
        assert_eq!((renamed.message(), renamed.reason()), ("e: c: d", Reason::NoBackup));
        assert_eq!(Failure::new(Status::Key, "a: b").why(), "a: b");
    }

    #[test]
    fn a_failure_survives_its_way_through_an_io_error() {
        let failure = Failure::upstream("moo-scan", Status::Busy, "busy");
        let error = io::Error::from(failure.clone());
        assert_eq!(Err::<(), _>(error).or_fail(Status::Failed, "x").unwrap_err(), failure);
    }
}
