//! duplicity's exit statuses, which are also the codes of errors in its log.

use failure::{Reason, Status};

use crate::action::Action;

/// Why a call ends: duplicity's exit status, and the words for its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u8,
    /// What follows the code in the log, such as `CommandLineError`.
    pub(crate) extra: String,
    pub(crate) text: String,
}

/// The exit status of a wrong call, and of what has no better one.
const USER_ERROR: u8 = 23;
/// The status of an error that duplicity does not expect. The class of the error follows it.
const EXCEPTION: u8 = 30;
const GPG_FAILED: u8 = 31;
const BACKEND_ERROR: u8 = 50;
/// The store has another file than the one that was sent.
const VALIDATION_FAILED: u8 = 56;

impl Refusal {
    pub(crate) fn new(code: u8, extra: impl Into<String>, text: impl Into<String>) -> Refusal {
        Refusal { code, extra: extra.into(), text: text.into() }
    }

    /// A wrong call.
    pub(crate) fn usage(text: impl Into<String>) -> Refusal {
        Refusal::new(USER_ERROR, "CommandLineError", text)
    }

    /// A failure of this program itself.
    pub(crate) fn own(text: impl Into<String>) -> Refusal {
        Refusal::new(EXCEPTION, "OSError", text)
    }

    /// A failure of a command of `moo` that ran for this action.
    pub(crate) fn of(action: &Action, status: u8, reason: Reason, text: String) -> Refusal {
        let (code, extra) = code(action, status, reason);
        // What clients of duplicity look for, to ask for another password.
        let text =
            if code == GPG_FAILED { format!("GPGError: {text}\nBad session key") } else { text };
        Refusal::new(code, extra, text)
    }
}

/// The exit status and the class of error for the status and the reason of a command of `moo`.
fn code(action: &Action, status: u8, reason: Reason) -> (u8, &'static str) {
    match reason {
        Reason::DestinationExists => return (11, ""),
        Reason::NoSuchPath => return (19, ""),
        Reason::NoBackup => return absent(action),
        Reason::ForeignSets => return (42, ""),
        Reason::EmptyList => return (73, ""),
        Reason::OutsideSource => return (14, ""),
        Reason::LastIncludes => return (16, ""),
        Reason::OutsideList => return (72, ""),
        Reason::NotStored => return (VALIDATION_FAILED, ""),
        Reason::StoreEmpty | Reason::ConnectionLost => return (BACKEND_ERROR, ""),
        Reason::NoSuchFile
        | Reason::TooManyDeleted
        | Reason::CannotResume
        | Reason::DiskFull
        | Reason::Other => {}
    }
    match Status::from_code(status) {
        Status::Usage | Status::Busy => (USER_ERROR, ""),
        Status::Integrity => (21, ""),
        Status::Key => (GPG_FAILED, "GPGError"),
        Status::Refused if reason == Reason::DiskFull => (53, ""),
        Status::Refused => (51, ""),
        Status::Lost => (BACKEND_ERROR, ""),
        Status::Absent => absent(action),
        Status::Killed => (EXCEPTION, "AssertionError"),
        Status::Failed | Status::Partial => (EXCEPTION, "OSError"),
    }
}

/// There is no backup of that time, or none that an increment could extend.
fn absent(action: &Action) -> (u8, &'static str) {
    match action {
        Action::Incremental => (17, ""),
        // The store has sets that could not be read.
        Action::Backup | Action::Full => (GPG_FAILED, "GPGError"),
        _ => (EXCEPTION, "CollectionsError"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_decides_before_the_status() {
        let of = |action, status, reason| code(&action, status, reason).0;
        assert_eq!(of(Action::Restore, 2, Reason::DestinationExists), 11);
        assert_eq!(of(Action::Restore, 10, Reason::NoSuchPath), 19);
        assert_eq!(of(Action::Restore, 10, Reason::NoBackup), 30);
        assert_eq!(of(Action::Incremental, 10, Reason::Other), 17);
        assert_eq!(of(Action::Backup, 2, Reason::EmptyList), 73);
        assert_eq!(of(Action::Backup, 2, Reason::Other), 23);
        assert_eq!(of(Action::Backup, 7, Reason::DiskFull), 53);
        assert_eq!(of(Action::Restore, 1, Reason::DiskFull), 30);
        assert_eq!(of(Action::Verify, 6, Reason::Other), 31);
        assert_eq!(of(Action::Verify, 5, Reason::Other), 21);
        assert_eq!(of(Action::Backup, 8, Reason::StoreEmpty), 50);
        assert_eq!(of(Action::Backup, 7, Reason::NotStored), 56);
    }
}
