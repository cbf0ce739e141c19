//! How much is hashed in vain.

/// How many bytes may be hashed in vain for each byte that passes.
const RATE: i64 = 2;
/// What looking at a neighbour costs against hashing: a weak sum is that much faster.
const CHEAP: i64 = 16;
/// What there is from the start, in bytes.
const START: i64 = 16 << 20;

/// What is left to be hashed in vain. In a large file, weak sums that meet by chance would
/// otherwise take most of the time, and in a hostile one all of it.
pub(crate) struct Patience(i64);

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience(START)
    }

    /// So many bytes have passed.
    pub(crate) fn gain(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(RATE * bytes as i64);
    }

    /// Whether a block of so many bytes may be hashed with no more reason than its weak sum.
    pub(crate) fn is_for(&self, bytes: usize) -> bool {
        self.0 >= bytes as i64
    }

    /// Whether the block after it may be looked at for a reason; which costs.
    pub(crate) fn peek(&mut self, bytes: usize) -> bool {
        let some = self.0 >= 0;
        if some {
            self.0 -= bytes as i64 / CHEAP;
        }
        some
    }

    /// So many bytes were hashed in vain.
    pub(crate) fn lose(&mut self, bytes: usize) {
        self.0 -= bytes as i64;
    }
}
