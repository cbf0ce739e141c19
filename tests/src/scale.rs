//! How much of a grid is tried: a sample in every run of the tests, all of it in the long one.

/// Whether this is the long run, `tests/run --long`.
pub fn long() -> bool {
    std::env::var_os("MOO_LONG").is_some()
}

/// The number of cases to try.
pub fn scale(short: usize, all: usize) -> usize {
    if long() { all } else { short }
}

/// That many numbers below `end`, evenly spread, with the first and the last.
pub fn spread(count: usize, end: usize) -> Vec<usize> {
    if count >= end {
        return (0..end).collect();
    }
    let last = end.saturating_sub(1);
    let steps = count.saturating_sub(1).max(1);
    (0..count).map(|step| step * last / steps).collect()
}
