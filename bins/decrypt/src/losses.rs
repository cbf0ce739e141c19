//! Going on past damage, if that is asked for.

use failure::{Failure, Status};

/// What has been lost so far.
pub(crate) struct Losses {
    keep_going: bool,
    lost: u64,
    /// Whether any file could be opened.
    opened: bool,
    /// The first failure of a key: damage if other files can be opened, else the wrong key.
    key: Option<Failure>,
}

impl Losses {
    pub(crate) fn new(keep_going: bool) -> Losses {
        Losses { keep_going, lost: 0, opened: false, key: None }
    }

    /// Whether to go on past damage.
    pub(crate) fn keep_going(&self) -> bool {
        self.keep_going
    }

    /// A file could be opened.
    pub(crate) fn opened(&mut self) {
        self.opened = true;
    }

    /// What has been done; none where it failed by damage, of which this tells, and goes on.
    pub(crate) fn past<T>(&mut self, done: Result<T, Failure>) -> Result<Option<T>, Failure> {
        let failure = match done {
            Ok(done) => return Ok(Some(done)),
            Err(failure) => failure,
        };
        let damaged = matches!(failure.status(), Status::Integrity | Status::Key);
        if !self.keep_going || !damaged || !failure.is_news() {
            return Err(failure);
        }
        log::warn!("{failure}");
        self.lost += 1;
        if failure.status() == Status::Key {
            self.key.get_or_insert(failure);
        }
        Ok(None)
    }

    /// How many files have been lost. Where no file could be opened for want of a key, that is
    /// the failure.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        match self.key {
            Some(failure) if !self.opened => Err(failure),
            _ => Ok(self.lost),
        }
    }
}
