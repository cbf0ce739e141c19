//! A limit on bytes a second.

use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Delays senders and receivers, so that over a longer time the rate holds for all of them
/// together.
pub(crate) struct Throttle {
    rate: Option<u64>,
    /// The time when all bytes so far are within the rate.
    due: Mutex<Instant>,
}

impl Throttle {
    /// With that many bytes a second, or without a limit.
    pub(crate) fn new(rate: Option<u64>) -> Throttle {
        Throttle { rate, due: Mutex::new(Instant::now()) }
    }

    /// Accounts for bytes that have passed, and waits until they may have.
    pub(crate) fn passed(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let now = Instant::now();
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *due = due.max(now) + Duration::from_secs_f64(bytes as f64 / rate as f64);
        let wait = due.saturating_duration_since(now);
        drop(due);
        sleep(wait);
    }

    /// The most that should pass at once, so that the flow is even.
    pub(crate) fn portion(&self, wanted: usize) -> usize {
        let Some(rate) = self.rate else { return wanted };
        wanted.min(usize::try_from(rate / 4).unwrap_or(wanted).max(4096))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_holds_over_many_portions() {
        let throttle = Throttle::new(Some(1 << 20));
        let start = Instant::now();
        (0..10).for_each(|_| throttle.passed(20 << 10));
        assert!(start.elapsed() >= Duration::from_millis(190));
        assert_eq!(throttle.portion(4 << 20), 1 << 18);
    }
}
