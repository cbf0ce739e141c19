//! The attempts, and the pauses between them, when a store cannot be reached.

use std::time::Duration;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after so many tries, from 1 on: 1, 4, 16 … seconds.
pub(crate) fn pause_after(tries: u32) -> Duration {
    Duration::from_secs(4_u64.saturating_pow(tries - 1)).min(LONGEST_PAUSE)
}

/// What a message ends with after the last try.
pub(crate) fn given_up_after(tries: u32) -> String {
    let tries = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    format!("(given up after {tries})")
}
