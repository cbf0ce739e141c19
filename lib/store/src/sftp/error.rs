//! Errors of a server: those that another attempt may solve, and others.

use std::io;

use failure::{Failure, Reason, Status};
use ssh2::{Error, ErrorCode, Session};

/// Why an operation has failed.
#[derive(Debug)]
pub(crate) enum SftpError {
    /// The connection is unusable: it was cut, timed out, or the server sends nonsense.
    Lost(String),
    /// The server has said no.
    Refused(SftpStatus),
    /// Another attempt would fail too.
    Final(Failure),
}

/// A status of SFTP (draft-ietf-secsh-filexfer), as servers answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SftpStatus(i32);

impl SftpStatus {
    const NO_SUCH_FILE: i32 = 2;
    const PERMISSION_DENIED: i32 = 3;
    const FAILURE: i32 = 4;
    /// The name exists.
    pub(crate) const EXISTS: SftpStatus = SftpStatus(11);
    /// The disk is full.
    pub(crate) const FULL: SftpStatus = SftpStatus(14);

    /// What is asked for is not there.
    pub(crate) fn is_absent(self) -> bool {
        matches!(self.0, SftpStatus::NO_SUCH_FILE | 10)
    }

    /// The account may not do it.
    pub(crate) fn is_forbidden(self) -> bool {
        self.0 == SftpStatus::PERMISSION_DENIED
    }

    /// The server does not know the request.
    pub(crate) fn is_unsupported(self) -> bool {
        self.0 == 8
    }

    /// The server gives no reason: mostly a full or read-only file system.
    pub(crate) fn is_vague(self) -> bool {
        self.0 == SftpStatus::FAILURE
    }

    fn why(self) -> String {
        match self.0 {
            SftpStatus::NO_SUCH_FILE | 10 => "no such file or directory".into(),
            SftpStatus::PERMISSION_DENIED => "permission denied".into(),
            SftpStatus::FAILURE => "the server fails at it (is its disk full or read-only?)".into(),
            5 => "the server does not take the request".into(),
            8 => "the server does not know the request".into(),
            11 => "already exists".into(),
            12 => "read-only file system".into(),
            14 => "no space left at the store".into(),
            15 => "quota exceeded at the store".into(),
            code => format!("the server refuses with status {code}"),
        }
    }

    /// The failure that it means for a file.
    pub(crate) fn failure(self, which: &str) -> Failure {
        if self.is_absent() {
            return Failure::of(Status::Absent, which, self.why()).because(Reason::NoSuchFile);
        }
        Failure::of(Status::Refused, which, self.why())
    }
}

impl SftpError {
    /// The meaning of an error from an I/O trait, which has only its text.
    pub(crate) fn of_io(error: &io::Error, session: &Session) -> SftpError {
        let text = error.to_string();
        let last = Error::last_session_error(session).map(|error| error.code());
        if last == Some(ErrorCode::Session(SFTP_PROTOCOL)) {
            let said = |code: &i32| Error::from_errno(ErrorCode::SFTP(*code)).message() == text;
            if let Some(code) = (1..=LAST_STATUS).find(said) {
                return Error::from_errno(ErrorCode::SFTP(code)).into();
            }
        }
        SftpError::Lost(plain(&text))
    }
}

/// `LIBSSH2_FX_LINK_LOOP`: the last status that has a text.
const LAST_STATUS: i32 = 21;

/// `LIBSSH2_ERROR_SFTP_PROTOCOL`: the server has answered with a status, or with nonsense.
const SFTP_PROTOCOL: i32 = -31;

impl From<Error> for SftpError {
    fn from(error: Error) -> SftpError {
        match error.code() {
            ErrorCode::SFTP(0) => SftpError::Lost("the server answers nonsense".into()),
            ErrorCode::SFTP(6 | 7) | ErrorCode::Session(_) => {
                SftpError::Lost(plain(error.message()))
            }
            ErrorCode::SFTP(code) => SftpError::Refused(SftpStatus(code)),
        }
    }
}

/// Whether an error during the login has another cause than the keys.
pub(crate) fn is_lost(error: &Error) -> bool {
    // Negative numbers of libssh2: the socket, time, the protocol.
    matches!(
        error.code(),
        ErrorCode::Session(-2 | -3 | -4 | -5 | -7 | -8 | -9 | -13 | -14 | -30 | -43)
    )
}

/// An error of the system in the form of our messages.
pub(crate) fn of_system(error: &io::Error) -> String {
    let text = error.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// An error of libssh2 in the form of our messages.
fn plain(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    match text {
        "" => "the connection was lost".to_owned(),
        _ => {
            let mut letters = text.chars();
            let first = letters.next().into_iter().flat_map(char::to_lowercase);
            first.chain(letters).collect()
        }
    }
}
