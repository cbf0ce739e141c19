//! Sending in the background: a file is sent while the stages before make the next one.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{self as channel, RecvTimeoutError};
use failure::{Failure, OrFail, Status};
use stream::TemporaryFile;

use super::link::Link;
use super::send::{IDLE, alive, send};
use crate::Sink;
use crate::held::{Held, Progress};
use crate::temporary;

/// What has become of the files so far.
#[derive(Default)]
struct Outcome {
    /// Final names and the temporary ones that the files have.
    arrived: BTreeMap<String, String>,
    failure: Option<Failure>,
}

struct Job {
    name: String,
    held: Arc<Held>,
}

/// The number of files that are sent at a time, each over its own connection. One connection has
/// too few bytes in flight for a distant server.
const LANES: usize = 2;
/// A file that is worth a connection of its own.
const LARGE: u64 = 8 << 20;

/// The sender of a store. Each lane sends a file, and one more file waits.
pub(crate) struct Sender {
    /// What further lanes get a link like.
    model: Link,
    jobs: Option<channel::Sender<Job>>,
    waiting: channel::Receiver<Job>,
    lanes: Vec<JoinHandle<()>>,
    last: Option<Arc<Held>>,
    outcome: Arc<Mutex<Outcome>>,
    given_up: Arc<AtomicBool>,
}

impl Sender {
    pub(crate) fn start(link: &Arc<Mutex<Link>>) -> Sender {
        let (jobs, waiting) = channel::bounded(1);
        let model = lock(link).another();
        let given_up = model.given_up();
        let mut sender = Sender {
            model,
            jobs: Some(jobs),
            waiting,
            lanes: Vec::new(),
            last: None,
            outcome: Arc::default(),
            given_up,
        };
        sender.open_lane(link.clone());
        sender
    }

    fn open_lane(&mut self, link: Arc<Mutex<Link>>) {
        let lane = Lane { link, outcome: self.outcome.clone(), given_up: self.given_up.clone() };
        let waiting = self.waiting.clone();
        match Builder::new().spawn(move || lane.run(&waiting)) {
            Ok(lane) => self.lanes.push(lane),
            Err(error) if self.lanes.is_empty() => {
                let failure = Failure::new(Status::Failed, format!("thread: {error}"));
                lock(&self.outcome).failure = Some(failure);
            }
            // One lane is slower, not wrong.
            Err(_) => {}
        }
    }

    /// A new file. Waits while all lanes are busy and one more is waiting for them.
    pub(crate) fn receive(&mut self, name: &str) -> Result<Box<dyn Sink>, Failure> {
        self.check()?;
        let large = self.last.as_ref().is_some_and(|last| last.len() >= LARGE);
        if large && self.lanes.len() < LANES {
            self.open_lane(Arc::new(Mutex::new(self.model.another())));
        }
        let held = Held::new().or_fail(Status::Failed, TemporaryFile)?;
        self.last = Some(held.clone());
        let job = Job { name: name.to_owned(), held: held.clone() };
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job).is_ok());
        if sent != Some(true) {
            return Err(Failure::of(Status::Failed, name, "sending has ended"));
        }
        Ok(Box::new(Outgoing { held, outcome: self.outcome.clone() }))
    }

    /// Waits until all files have arrived. Returns the temporary names of those that have, and the
    /// failures of the others.
    pub(crate) fn finish(mut self) -> (BTreeMap<String, String>, Result<(), Failure>) {
        self.join();
        let done = self.check();
        (std::mem::take(&mut lock(&self.outcome).arrived), done)
    }

    /// The temporary name of a file, once it has arrived.
    pub(crate) fn arrived(&self, name: &str) -> Option<String> {
        lock(&self.outcome).arrived.get(name).cloned()
    }

    /// Stops, without waiting for a server that may not answer. Returns the temporary names of the
    /// files that have arrived.
    pub(crate) fn stop(mut self) -> BTreeMap<String, String> {
        self.given_up.store(true, Ordering::Relaxed);
        self.join();
        self.given_up.store(false, Ordering::Relaxed);
        std::mem::take(&mut lock(&self.outcome).arrived)
    }

    fn join(&mut self) {
        self.jobs = None;
        for lane in self.lanes.drain(..) {
            let _ = lane.join();
        }
    }

    fn check(&self) -> Result<(), Failure> {
        lock(&self.outcome).failure.clone().map_or(Ok(()), Err)
    }
}

/// What sends one file after the other.
struct Lane {
    link: Arc<Mutex<Link>>,
    outcome: Arc<Mutex<Outcome>>,
    given_up: Arc<AtomicBool>,
}

impl Lane {
    fn run(&self, jobs: &channel::Receiver<Job>) {
        loop {
            match jobs.recv_timeout(IDLE) {
                Ok(job) if self.goes_on() => self.send(&job),
                Ok(_) => {}
                // Where the connection is gone, the next file brings a new one.
                Err(RecvTimeoutError::Timeout) => drop(lock(&self.link).try_to(alive)),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn goes_on(&self) -> bool {
        lock(&self.outcome).failure.is_none() && !self.given_up.load(Ordering::Relaxed)
    }

    /// Sends a file, each time under a new name, because the leftover of a lost connection may not
    /// be writable.
    fn send(&self, job: &Job) {
        let mut link = lock(&self.link);
        let (address, throttle) = (link.address.clone(), link.throttle.clone());
        let mut used = Vec::new();
        let sent = link.run(&address.file(&job.name), |connection, _| {
            let name = temporary::new_name(&job.name);
            let path = address.path(&name);
            used.push(name);
            send(connection, &throttle, &job.held, Path::new(&path), &self.given_up)
        });
        let mut outcome = lock(&self.outcome);
        match sent {
            Ok(true) => {
                outcome.arrived.extend(used.pop().map(|name| (job.name.clone(), name)));
            }
            Ok(false) => {}
            Err(failure) => outcome.failure = Some(failure),
        }
        for name in used {
            remove_if_possible(&mut link, &name);
        }
    }
}

/// Deletes an unneeded file, if the server allows it, without waiting for a new connection.
pub(crate) fn remove_if_possible(link: &mut Link, name: &str) {
    let path = link.address.path(name);
    link.try_to(|connection| Ok(connection.sftp.unlink(Path::new(&path))?));
}

/// The end of a file's way that our own stage writes to.
struct Outgoing {
    held: Arc<Held>,
    outcome: Arc<Mutex<Outcome>>,
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(failure) = &lock(&self.outcome).failure {
            return Err(failure.clone().into());
        }
        self.held.append(bytes).or_fail(Status::Failed, TemporaryFile)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Outgoing {
    fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.held.end(Progress::Complete);
        Ok(())
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.held.end(Progress::Dropped);
    }
}

/// The data in our locks is consistent after each statement, even after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
