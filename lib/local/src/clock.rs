//! The clock, as far as sets are named by it.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use archive::SetTime;
use failure::{Failure, OrFail, Status};

/// The time by the clock.
pub fn now() -> Result<SetTime, Failure> {
    SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "clock")
}

/// The seconds that a clock may be behind a set, because a few sets can be made in the same second.
pub const PATIENCE: i64 = 5;

/// The time of the clock when it is later than that of a set. Waits some seconds for this.
///
/// # Errors
/// The clock is further behind.
pub fn now_after(set: SetTime) -> Result<SetTime, Failure> {
    loop {
        let time = now()?;
        if time > set {
            return Ok(time);
        }
        if set.seconds() - time.seconds() > PATIENCE {
            let why = format!("clock: now is before the newest set, {set}");
            return Err(Failure::new(Status::Failed, format!("{why} (has it been set back?)")));
        }
        sleep(Duration::from_millis(50));
    }
}
