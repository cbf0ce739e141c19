//! The volumes that an interrupted run has brought into the store.

use std::collections::HashMap;

use failure::{Failure, Reason, Status};
use store::Stored;
use stream::{Receipt, SetHeader};

/// Checks that they are all still there, as large as they were.
pub(crate) fn check(url: &str, files: &[Stored], set: &SetHeader) -> Result<(), Failure> {
    let sizes: HashMap<_, _> = files.iter().map(|file| (file.name.as_str(), file.size)).collect();
    let lost = |volume: &&Receipt| sizes.get(name(volume)) != Some(&volume.size);
    let Some(volume) = set.stored().iter().find(lost) else { return Ok(()) };
    let why = "has lost volumes of an interrupted run (the next run makes a new set)";
    let why = format!("{url}: {why}: {}", volume.stored);
    Err(Failure::new(Status::Absent, why).because(Reason::CannotResume))
}

/// The name that a volume has in the store.
pub(crate) fn name(volume: &Receipt) -> &str {
    volume.temporary.as_deref().unwrap_or(&volume.stored)
}
