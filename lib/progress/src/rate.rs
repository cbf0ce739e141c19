//! How fast the work goes, over the last seconds, and how long the rest will take.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::memory::Work;

/// The time that a rate is the mean of.
const WINDOW: Duration = Duration::from_secs(15);
/// No time left is shown before so much of the work has been seen.
const LEAST: Duration = Duration::from_secs(2);

/// What the work has come to at some moments of the last seconds.
#[derive(Default)]
pub(crate) struct Rate {
    seen: VecDeque<(Instant, u64, u64)>,
}

impl Rate {
    /// Remembers how far the work is now.
    pub(crate) fn see(&mut self, now: Instant, work: &Work) {
        // Another pipe starts from the beginning.
        if self.seen.back().is_some_and(|(_, bytes, read)| work.bytes < *bytes || work.read < *read)
        {
            self.seen.clear();
        }
        self.seen.push_back((now, work.bytes, work.read));
        while self.seen.len() > 2
            && self.seen.front().is_some_and(|(at, ..)| now.duration_since(*at) > WINDOW)
        {
            self.seen.pop_front();
        }
    }

    /// Bytes that were read per second.
    pub(crate) fn per_second(&self) -> Option<u64> {
        let (time, _, read) = self.spent()?;
        Some((read as f64 / time.as_secs_f64()) as u64)
    }

    /// The seconds that the rest will take, if it is known how much there is.
    pub(crate) fn left(&self, work: &Work) -> Option<u64> {
        let rest = work.bytes_total?.checked_sub(work.bytes)?;
        let (time, bytes, _) = self.spent().filter(|(time, ..)| *time >= LEAST)?;
        if bytes == 0 {
            return None;
        }
        Some((rest as f64 * time.as_secs_f64() / bytes as f64) as u64)
    }

    /// The time that was seen, the bytes that were done and those that were read in it.
    fn spent(&self) -> Option<(Duration, u64, u64)> {
        let ((from, bytes, read), (to, more, further)) = (self.seen.front()?, self.seen.back()?);
        let time = to.duration_since(*from);
        (time >= Duration::from_millis(500)).then(|| (time, more - bytes, further - read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds_and_tells_what_is_left() {
        let (start, mut rate) = (Instant::now(), Rate::default());
        let mut work = Work { bytes_total: Some(10_000), ..Work::default() };
        assert_eq!((rate.per_second(), rate.left(&work)), (None, None));
        for second in 0..=60 {
            // Fast at first.
            let done = if second < 20 { 300 * second } else { 6000 + 10 * (second - 20) };
            (work.bytes, work.read) = (done, done / 2);
            rate.see(start + Duration::from_secs(second), &work);
        }
        assert_eq!(rate.per_second(), Some(5));
        assert_eq!(rate.left(&work), Some(360));
        // The next pipe.
        rate.see(start + Duration::from_secs(61), &Work::default());
        assert_eq!(rate.per_second(), None);
    }
}
