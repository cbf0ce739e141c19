//! States and sets that are not there.

use archive::{Absent, SetId, SetTime};
use failure::{Failure, Reason, Status};
use survey::Uncounted;

/// There is no such state.
pub(crate) fn none(url: &str, absent: Absent, gone: &[Uncounted]) -> Failure {
    if let (Absent::NoBackup { first: None, .. }, Some(last)) = (absent, gone.last()) {
        let why = format!("the {} {}, and there is no other", last.set, last.why);
        return Failure::of(Status::Integrity, url, why);
    }
    match absent {
        Absent::NoBackup { first: None, .. } => {
            Failure::of(Status::Absent, url, "there is no backup").because(Reason::NoBackup)
        }
        Absent::NoBackup { .. } => {
            Failure::of(Status::Absent, url, absent).because(Reason::NoBackup)
        }
        Absent::Missing { .. } => Failure::of(Status::Integrity, url, absent),
    }
}

/// The newest set is not there.
pub(crate) fn not_there(url: &str, lost: SetId, newest: SetTime) -> Failure {
    let why = format!("the {lost}, which the archive directory knows, is missing");
    let hint = format!("--time {newest} restores the newest set there");
    Failure::of(Status::Integrity, url, format!("{why} ({hint})"))
}
