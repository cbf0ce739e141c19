//! How a program fails: one status, one line for the user, and the same words for the stages behind it.

use std::fmt;
use std::io;

/// The exit status of every program, and thereby of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// Something failed that has no status of its own.
    Failed = 1,
    /// The program was called wrongly.
    Usage = 2,
    /// Done, but some source entries could not be read, or compared entries differ.
    Partial = 3,
    /// The stage before was killed: its stream has no end mark.
    Killed = 4,
    /// A hash, a signature or a format does not hold.
    Integrity = 5,
    /// A key is missing, locked, expired or wrong.
    Key = 6,
    /// The store refused.
    Refused = 7,
    /// The store was lost: try again.
    Lost = 8,
    /// Another run holds the archive.
    Busy = 9,
    /// There is no such backup.
    Absent = 10,
}

impl Status {
    const ALL: [Status; 10] = [
        Status::Failed,
        Status::Usage,
        Status::Partial,
        Status::Killed,
        Status::Integrity,
        Status::Key,
        Status::Refused,
        Status::Lost,
        Status::Busy,
        Status::Absent,
    ];

    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The status with that number; an unknown number counts as [`Status::Failed`].
    pub fn from_code(code: u8) -> Status {
        Status::ALL.into_iter().find(|status| status.code() == code).unwrap_or(Status::Failed)
    }
}

/// Who says it: a failure is told to the user once, by the program where it happened.
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
    origin: Origin,
    ends_resume: bool,
}

impl Failure {
    /// A failure of this program, in the words that its user reads.
    pub fn new(status: Status, message: impl Into<String>) -> Failure {
        Failure { status, message: message.into(), origin: Origin::Here, ends_resume: false }
    }

    /// What a stage in front of this one has failed with and has already told its user.
    pub fn upstream(stage: impl Into<String>, status: Status, message: impl Into<String>) -> Self {
        let origin = Origin::Upstream { stage: stage.into() };
        Failure { status, message: message.into(), origin, ends_resume: false }
    }

    /// The same failure, which says that the interrupted run can never be resumed: not by the next
    /// run either, which has to start anew.
    #[must_use]
    pub fn ending_resume(self) -> Failure {
        Failure { ends_resume: true, ..self }
    }

    /// Whether the interrupted run that this one resumes has to be given up.
    pub fn ends_resume(&self) -> bool {
        self.ends_resume
    }

    /// The stage behind this one is gone; it has said why, or was killed.
    pub fn closed_pipe() -> Failure {
        Failure {
            status: Status::Failed,
            message: "standard output: closed by the stage behind".into(),
            origin: Origin::ClosedPipe,
            ends_resume: false,
        }
    }

    /// A failed read of standard input.
    pub(crate) fn of_input(error: &io::Error) -> Failure {
        Failure::new(Status::Failed, format!("standard input: {}", plain(error)))
    }

    /// A failed write to standard output: the end of the reader is no news of ours.
    pub fn of_output(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::closed_pipe();
        }
        Failure::new(Status::Failed, format!("standard output: {}", plain(error)))
    }

    /// The status that the program exits with.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The message without the program's name.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The stage in front that failed, if it was not this one.
    pub fn stage(&self) -> Option<&str> {
        match &self.origin {
            Origin::Upstream { stage } => Some(stage),
            _ => None,
        }
    }

    /// Whether this program is the one that tells the user.
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
        f.write_str(&archive::legible::line(&self.message))
    }
}

impl std::error::Error for Failure {}

/// The failure that travels inside an I/O error, through readers that know only those.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        io::Error::other(failure)
    }
}

/// Turns a result with a foreign error into one with a failure.
pub trait OrFail<T> {
    /// On error: `which: the error`, with that status. A failure that travelled inside an I/O
    /// error comes out again as it was.
    fn or_fail(self, status: Status, which: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: std::error::Error + 'static> OrFail<T> for Result<T, E> {
    fn or_fail(self, status: Status, which: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| {
            travelled(&error)
                .unwrap_or_else(|| Failure::new(status, format!("{which}: {}", plain(&error))))
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

/// An error in the form of our messages: lower case, without "(os error N)".
fn plain(error: &(dyn std::error::Error + 'static)) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
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
    }

    #[test]
    fn a_failure_survives_its_way_through_an_io_error() {
        let failure = Failure::upstream("moo-scan", Status::Busy, "busy");
        let error = io::Error::from(failure.clone());
        assert_eq!(Err::<(), _>(error).or_fail(Status::Failed, "x").unwrap_err(), failure);
    }

    #[test]
    fn unknown_statuses_count_as_failed() {
        assert_eq!(Status::from_code(77), Status::Failed);
        assert_eq!(Status::from_code(9), Status::Busy);
    }
}
