//! The tries of one operation on a store that may be lost, and the pauses between them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use failure::{Failure, Reason};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often a pause looks whether it still has a purpose.
const LOOK: Duration = Duration::from_millis(50);

/// The tries of an operation: so many without progress.
#[derive(Debug)]
pub struct Tries {
    most: u32,
    failed: u32,
}

impl Tries {
    /// An operation that is tried `most` times.
    pub fn new(most: u32) -> Tries {
        Tries { most, failed: 0 }
    }

    /// Whether a try has failed since the last progress. The store may have done what it was asked
    /// for although its answer was lost.
    pub(crate) fn is_again(&self) -> bool {
        self.failed > 0
    }

    /// Counts from the start, after progress.
    pub(crate) fn progress(&mut self) {
        self.failed = 0;
    }

    /// Pauses after a failed try for 1, 4, 16 … seconds, or until `stopped`.
    ///
    /// # Errors
    /// The failure, if its reason is not [`Reason::ConnectionLost`], or after the last try. It is
    /// then worth no further one.
    pub fn failed(&mut self, failure: Failure, stopped: impl Fn() -> bool) -> Result<(), Failure> {
        if failure.reason() != Reason::ConnectionLost {
            return Err(failure);
        }
        self.failed += 1;
        if self.failed >= self.most || stopped() {
            let tries = if self.failed == 1 { "try" } else { "tries" };
            let why = format!("{} (given up after {} {tries})", failure.message(), self.failed);
            return Err(Failure::new(failure.status(), why));
        }
        log::info!("{failure}; trying again");
        let pause = pause_after(self.failed);
        let again = format!("trying again in {} s", pause.as_secs());
        progress::news(&format!("{failure}; {again} ({} of {} tries)", self.failed, self.most));
        let end = Instant::now() + pause;
        while Instant::now() < end && !stopped() {
            sleep(LOOK);
        }
        Ok(())
    }

    /// Repeats an operation until it succeeds, fails for good, or all tries have failed.
    pub(crate) fn run<T>(
        mut self,
        mut once: impl FnMut(&Tries) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            match once(&self) {
                Err(failure) => self.failed(failure, || false)?,
                done => return done,
            }
        }
    }
}

fn pause_after(tries: u32) -> Duration {
    Duration::from_secs(4_u64.saturating_pow(tries - 1)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use failure::Status;

    fn lost() -> Failure {
        Failure::of(Status::Lost, "store", "cut").because(Reason::ConnectionLost)
    }

    #[test]
    fn pauses_grow_up_to_a_minute() {
        assert_eq!([1, 2, 3, 4, 99].map(|n| pause_after(n).as_secs()), [1, 4, 16, 60, 60]);
    }

    #[test]
    fn progress_resets_the_tries_and_a_failure_for_good_ends_them() {
        let mut tries = Tries::new(2);
        for _ in 0..2 {
            tries.failed(lost(), || false).unwrap();
            assert!(tries.is_again());
            tries.progress();
        }
        assert_eq!(
            tries.failed(Failure::new(Status::Lost, "no"), || false).unwrap_err().why(),
            "no"
        );
        tries.failed(lost(), || false).unwrap();
        let given_up = tries.failed(lost(), || false).unwrap_err();
        assert_eq!(given_up.message(), "store: cut (given up after 2 tries)");
        // What was given up is not tried again by an outer loop.
        assert_ne!(given_up.reason(), Reason::ConnectionLost);
    }
}
