//! The store that the files come from: a restore does not write into it, and does not delete it.

use std::path::Path;

use failure::{Failure, Status, shown};
use local::Place;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};

/// Refuses a destination in the store's folder, and to delete what a directory with the store in it
/// has and the backup has not.
///
/// # Errors
/// Status 2 if the destination is refused.
pub fn check_outside(store: &str, destination: &Path, deletes: bool) -> Result<(), Failure> {
    let Some(place) = Place::of(store) else { return Ok(()) };
    let refuse =
        |why: &str| Err(Failure::new(Status::Usage, format!("{}: {why}", shown(&destination))));
    // The directories above a new destination may still have to be made.
    let Some(there) = destination.ancestors().find_map(open) else { return Ok(()) };
    if place.holds(there.as_fd()).is_ok_and(|holds| holds) {
        return refuse("lies in the folder of the store; name a directory outside it");
    }
    let below = open(destination).map(|directory| place.below(directory.as_fd()));
    if deletes && matches!(below, Some(Ok(Some(_)))) {
        return refuse("holds the store, which --delete would delete; use --merge instead");
    }
    Ok(())
}

fn open(path: &Path) -> Option<OwnedFd> {
    let path = if path == Path::new("") { Path::new(".") } else { path };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).ok()
}
