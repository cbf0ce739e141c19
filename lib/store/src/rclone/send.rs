//! Sending in the background: a file is sent while the stages before make the next one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel as channel;
use failure::{Failure, OrFail, Status};
use stream::TemporaryFile;

use super::call::Rclone;
use crate::Sink;

/// How a file gets to the remote.
pub(crate) enum Way {
    /// At once, under that name.
    As(String),
    /// When it is published.
    Later,
}

/// Where a file is that is not published.
pub(crate) enum Arrived {
    /// At the remote, under that name.
    There(String),
    /// Still with us.
    Here(File),
}

impl Arrived {
    /// Its name until it is published.
    pub(crate) fn name(&self, own: &str) -> String {
        match self {
            Arrived::There(name) => name.clone(),
            Arrived::Here(_) => own.to_owned(),
        }
    }
}

/// What has become of the files so far.
#[derive(Default)]
struct Outcome {
    arrived: BTreeMap<String, Arrived>,
    failure: Option<Failure>,
}

struct Job {
    name: String,
    under: String,
    spool: File,
}

/// The sender of a store. One file is being sent, and one more waits.
pub(crate) struct Sender {
    jobs: channel::Sender<Job>,
    lane: Option<JoinHandle<()>>,
    outcome: Arc<Mutex<Outcome>>,
}

impl Sender {
    pub(crate) fn start(rclone: &Rclone) -> Sender {
        let (jobs, waiting) = channel::bounded::<Job>(1);
        let outcome = Arc::<Mutex<Outcome>>::default();
        let (rclone, shared) = (rclone.clone(), outcome.clone());
        let lane = thread::Builder::new().spawn(move || {
            for job in waiting {
                send(&rclone, &job, &shared);
            }
        });
        if let Err(error) = &lane {
            let failure = Failure::new(Status::Failed, format!("thread: {error}"));
            lock(&outcome).failure = Some(failure);
        }
        Sender { jobs, lane: lane.ok(), outcome }
    }

    /// The name that a file has at the remote, once it has arrived.
    pub(crate) fn arrived(&self, name: &str) -> Option<String> {
        lock(&self.outcome).arrived.get(name).map(|file| file.name(name))
    }

    /// Waits until all files have arrived. Returns those that have, and the failures of the others.
    pub(crate) fn finish(self) -> (BTreeMap<String, Arrived>, Result<(), Failure>) {
        drop(self.jobs);
        if let Some(lane) = self.lane {
            let _ = lane.join();
        }
        let mut outcome = lock(&self.outcome);
        let done = outcome.failure.take().map_or(Ok(()), Err);
        (std::mem::take(&mut outcome.arrived), done)
    }

    /// Stops when the current file has been sent. Returns the files that have arrived.
    pub(crate) fn stop(self) -> BTreeMap<String, Arrived> {
        let given_up = Failure::new(Status::Failed, "given up");
        lock(&self.outcome).failure.get_or_insert(given_up);
        self.finish().0
    }
}

fn send(rclone: &Rclone, job: &Job, outcome: &Mutex<Outcome>) {
    if lock(outcome).failure.is_some() {
        return;
    }
    let sent = rclone.put(&job.name, &job.under, &job.spool);
    let mut outcome = lock(outcome);
    match sent {
        Ok(()) => {
            outcome.arrived.insert(job.name.clone(), Arrived::There(job.under.clone()));
        }
        Err(failure) => outcome.failure = Some(failure),
    }
}

/// A file that is being received.
pub(crate) struct Outgoing {
    name: String,
    way: Way,
    spool: File,
    jobs: channel::Sender<Job>,
    outcome: Arc<Mutex<Outcome>>,
}

impl Outgoing {
    pub(crate) fn start(sender: &Sender, name: &str, way: Way) -> Result<Outgoing, Failure> {
        let spool = tempfile::tempfile().or_fail(Status::Failed, TemporaryFile)?;
        let (jobs, outcome) = (sender.jobs.clone(), sender.outcome.clone());
        let outgoing = Outgoing { name: name.to_owned(), way, spool, jobs, outcome };
        outgoing.check().map(|()| outgoing)
    }

    fn check(&self) -> Result<(), Failure> {
        lock(&self.outcome).failure.clone().map_or(Ok(()), Err)
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.spool.write_all(bytes).or_fail(Status::Failed, TemporaryFile)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Outgoing {
    fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.check()?;
        let Outgoing { name, way, spool, jobs, outcome } = *self;
        let Way::As(under) = way else {
            lock(&outcome).arrived.insert(name, Arrived::Here(spool));
            return Ok(());
        };
        let ended = format!("{name}: sending has ended");
        let sent = jobs.send(Job { name, under, spool });
        sent.map_err(|_| Failure::new(Status::Failed, ended))
    }
}

/// The data in our locks is consistent after each statement, even after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
