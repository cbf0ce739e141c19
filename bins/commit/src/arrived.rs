//! What has arrived at the store, told to the archive while a run goes on.

use archive::{FileKind, FileName};
use cli::note::{self, Note};
use failure::{Failure, Reason};
use local::{ARRIVED, Folder, Journal};
use stream::{Begin, Receipt, SetHeader};

use crate::finish::clear;

/// The journal of a run.
pub(crate) struct Arrived<'a> {
    folder: &'a Folder,
    head: &'a SetHeader,
    journal: Journal,
}

impl<'a> Arrived<'a> {
    /// Starts it: with the volumes of the run that this one goes on with.
    pub(crate) fn start(folder: &'a Folder, begin: &'a Begin) -> Result<Arrived<'a>, Failure> {
        let head = begin.made_set()?;
        let journal = Journal::start(folder, head, ARRIVED, head.stored())?;
        note::leave(&Note::Volume(resumable(head, head.stored().len() as u64)));
        Ok(Arrived { folder, head, journal })
    }

    /// Notes a volume. What comes behind the volumes is made again by a run that goes on.
    pub(crate) fn note(&mut self, receipt: &Receipt) -> Result<(), Failure> {
        let known = self.head.stored().len() as u64;
        match FileName::parse(&receipt.stored).map(|name| name.kind) {
            Some(FileKind::Volume(number)) if number > known => {
                self.journal.add(receipt)?;
                note::leave(&Note::Volume(resumable(self.head, number)));
            }
            _ => {}
        }
        Ok(())
    }

    /// After a failure: where a stage found that the interrupted run can't be resumed, the next
    /// run must not try that again. Any other failure keeps what has arrived for the next run.
    pub(crate) fn failed(&self, failure: Failure) -> Failure {
        if self.head.resume.is_some() && failure.reason() == Reason::CannotResume {
            // The next run finds out for itself where this does not work.
            let _ = clear(self.folder, |time| time == self.head.time);
        }
        failure
    }
}

/// How many of the first volumes the next run need not send again: none if no run may resume the set.
fn resumable(head: &SetHeader, stored: u64) -> u64 {
    if head.options.is_some() { stored } else { 0 }
}
