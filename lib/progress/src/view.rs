//! What there is to show of a command.

use std::time::Duration;

use crate::memory::Work;

/// What is known of a command at a moment.
pub(crate) struct View<'a> {
    /// Its name, such as `backup`.
    pub(crate) command: &'a str,
    pub(crate) elapsed: Duration,
    pub(crate) work: Option<&'a Work>,
    /// Bytes that were read per second.
    pub(crate) per_second: Option<u64>,
    /// Seconds.
    pub(crate) left: Option<u64>,
}

#[cfg(test)]
impl<'a> View<'a> {
    pub(crate) fn of(command: &'a str, work: Option<&'a Work>) -> View<'a> {
        View { command, elapsed: Duration::ZERO, work, per_second: None, left: None }
    }
}
