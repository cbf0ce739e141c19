//! Errors on their way through sequoia's readers and writers, which turn ours into text.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use failure::{Failure, OrFail, Status};

/// Remembers the error of the reader or writer at the outer end of a stack of sequoia's.
#[derive(Clone)]
pub(crate) struct OuterError {
    which: String,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl OuterError {
    pub(crate) fn new(which: &str) -> OuterError {
        OuterError { which: which.to_owned(), failure: Arc::default() }
    }

    /// The same reader or writer; its errors are remembered.
    pub(crate) fn watch<T>(&self, inner: T) -> Watched<T> {
        Watched { inner, errors: self.clone() }
    }

    /// The remembered failure if there is one, else sequoia's error, with that status.
    pub(crate) fn explain(&self, error: anyhow::Error, status: Status) -> Failure {
        let seen = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.unwrap_or_else(|| failure(error, status, &self.which))
    }

    fn note(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted {
            return error;
        }
        let kind = error.kind();
        let Err(failure) = Err::<(), _>(error).or_fail(Status::Failed, &self.which) else {
            return kind.into();
        };
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
        io::Error::new(kind, failure)
    }
}

/// Remembers the errors of what it wraps.
pub(crate) struct Watched<T> {
    inner: T,
    errors: OuterError,
}

impl<T: Read> Read for Watched<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| self.errors.note(error))
    }
}

impl<T: Write> Write for Watched<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes).map_err(|error| self.errors.note(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush().map_err(|error| self.errors.note(error))
    }
}

/// An error of sequoia as `which: why`. A [`Failure`] inside it comes out unchanged.
pub(crate) fn failure(error: anyhow::Error, status: Status, which: &str) -> Failure {
    match Err::<(), _>(Foreign(error)).or_fail(status, which) {
        Err(failure) => failure,
        Ok(()) => Failure::new(status, which),
    }
}

/// An error of sequoia's interface as one of the standard library's, in one line.
#[derive(Debug)]
struct Foreign(anyhow::Error);

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.lines().next().unwrap_or_default().trim_end_matches('.'))
    }
}

impl std::error::Error for Foreign {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.0.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_outer_end_is_told_unchanged() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(Failure::closed_pipe().into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let errors = OuterError::new("vol1");
        assert!(errors.watch(Closed).write_all(b"x").is_err());
        let failure = errors.explain(anyhow::anyhow!("Something else"), Status::Integrity);
        assert_eq!(failure, Failure::closed_pipe());
    }

    #[test]
    fn what_sequoia_says_is_one_line_of_ours() {
        let failure = failure(anyhow::anyhow!("Bad thing.\nmore"), Status::Integrity, "vol1");
        assert_eq!(failure.message(), "vol1: bad thing");
        assert_eq!(failure.status(), Status::Integrity);
    }
}
