//! Files on their way to the store. Over a network, a file is sent while the stages before make the
//! next one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use archive::{FileKind, FileName, parse_parity};
use cli::lifeline;
use crossbeam_channel::{self as channel, RecvTimeoutError};
use failure::{Failure, OrFail, Reason, Status, TemporaryFile};
use store::{Limits, Sink, Store, Stored};

use crate::delivery::{IDLE, deliver, discard, name_until_published};
use crate::spool::{Progress, Spool};

/// A file that is worth a connection of its own, in bytes.
const LARGE: u64 = 8 << 20;

/// A store that the first worker shares with the main thread.
type SharedStore = Arc<Mutex<Box<dyn Store>>>;

/// Where a file is that is not published.
enum Arrived {
    /// In the store, under that name.
    There(String),
    /// Still with us.
    Here(Arc<Spool>),
}

/// What has become of the files so far.
#[derive(Default)]
struct Outcome {
    /// By their final names.
    arrived: BTreeMap<String, Arrived>,
    failure: Option<Failure>,
}

struct Job {
    name: String,
    spool: Arc<Spool>,
}

/// Sends files, and gives them their names in the end.
///
/// Where the store can rename a file, each has a temporary name until then. Where a rename would be
/// a copy, as in most stores of objects, volumes and parity files get their own names at once, and
/// the files that make a set of them are kept here until they are published.
pub(crate) struct Sender {
    store: SharedStore,
    limits: Option<Limits>,
    queue: Option<Queue>,
    outcome: Arc<Mutex<Outcome>>,
    /// No file is wanted any more.
    stopped: Arc<AtomicBool>,
}

/// Each worker sends a file, and one more file waits.
struct Queue {
    jobs: channel::Sender<Job>,
    waiting: channel::Receiver<Job>,
    /// For workers that are still to come; the last one is the first to be used.
    stores: Vec<SharedStore>,
    workers: Vec<JoinHandle<()>>,
    last: Option<Arc<Spool>>,
}

/// A file that the stream has come to.
pub(crate) enum Outgoing {
    /// A write waits for no network.
    Direct { sink: Box<dyn Sink>, under: String },
    /// A worker sends it, or it is kept.
    Spooled { spool: Arc<Spool>, kept: bool },
}

impl Sender {
    pub(crate) fn new(store: Box<dyn Store>) -> Sender {
        Sender {
            store: Arc::new(Mutex::new(store)),
            limits: None,
            queue: None,
            outcome: Arc::default(),
            stopped: Arc::default(),
        }
    }

    /// The store, as soon as no file is being sent to it over the same connection.
    pub(crate) fn store(&self) -> MutexGuard<'_, Box<dyn Store>> {
        lock(&self.store)
    }

    /// Treats a file that an earlier run has sent as if this run had.
    pub(crate) fn adopt(&mut self, name: &str, under: &str) {
        let file = Arrived::There(under.to_owned());
        lock(&self.outcome).arrived.insert(name.to_owned(), file);
    }

    /// Starts a file. Waits while all workers are busy and one more file is waiting for them.
    pub(crate) fn start(&mut self, name: &str) -> Result<Outgoing, Failure> {
        let limits = self.limits()?;
        if limits.connections == 0 {
            let under = name_until_published(name, limits);
            let sink = self.store().create(&under, None)?;
            return Ok(Outgoing::Direct { sink, under });
        }
        self.check()?;
        let spool = Spool::new().or_fail(Status::Failed, TemporaryFile)?;
        let at_once = is_volume(name) || parse_parity(name).is_some();
        let kept = !limits.renames && !at_once;
        if !kept {
            self.enqueue(name, &spool, limits)?;
        }
        Ok(Outgoing::Spooled { spool, kept })
    }

    fn limits(&mut self) -> Result<Limits, Failure> {
        if let Some(limits) = self.limits {
            return Ok(limits);
        }
        let limits = self.store().limits()?;
        Ok(*self.limits.insert(limits))
    }

    fn enqueue(&mut self, name: &str, spool: &Arc<Spool>, limits: Limits) -> Result<(), Failure> {
        let mut queue = match self.queue.take() {
            Some(queue) => queue,
            None => Queue::new(&self.store, limits),
        };
        let large = queue.last.as_ref().is_some_and(|last| last.len() >= LARGE);
        if (large || queue.workers.is_empty())
            && let Some(store) = queue.stores.pop()
        {
            let (outcome, stopped) = (self.outcome.clone(), self.stopped.clone());
            let added = queue.add(UploadWorker { store, limits, outcome, stopped });
            // Without another worker it is slower, not wrong.
            added
                .or_else(|failure| if queue.workers.is_empty() { Err(failure) } else { Ok(()) })?;
        }
        queue.last = Some(spool.clone());
        let job = Job { name: name.to_owned(), spool: spool.clone() };
        let sent = queue.jobs.send(job);
        self.queue = Some(queue);
        sent.map_err(|_| Failure::of(Status::Failed, name, "sending has ended"))
    }

    /// Adds to a file.
    pub(crate) fn write(
        &self,
        name: &str,
        outgoing: &mut Outgoing,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        match outgoing {
            Outgoing::Direct { sink, .. } => sink.write_all(bytes).or_fail(Status::Refused, name),
            Outgoing::Spooled { spool, .. } => {
                self.check()?;
                spool.append(bytes).or_fail(Status::Failed, TemporaryFile)
            }
        }
    }

    /// Ends a file, which is `complete` or of no use.
    pub(crate) fn end(
        &mut self,
        name: &str,
        outgoing: Outgoing,
        complete: bool,
    ) -> Result<(), Failure> {
        let arrived = match outgoing {
            Outgoing::Direct { sink, under } => {
                let done = if complete { sink.finish() } else { Ok(()) };
                if !complete || done.is_err() {
                    lifeline::check();
                    discard(self.store().as_mut(), [&under]);
                    return done;
                }
                Arrived::There(under)
            }
            Outgoing::Spooled { spool, kept } => {
                spool.end(if complete { Progress::Complete } else { Progress::Dropped });
                if !(kept && complete) {
                    return Ok(());
                }
                Arrived::Here(spool)
            }
        };
        lock(&self.outcome).arrived.insert(name.to_owned(), arrived);
        Ok(())
    }

    /// The name that a file has in the store, once all of it has arrived. One that is kept here
    /// counts as arrived.
    pub(crate) fn arrived(&self, name: &str) -> Option<String> {
        match lock(&self.outcome).arrived.get(name)? {
            Arrived::There(under) => Some(under.clone()),
            Arrived::Here(_) => Some(name.to_owned()),
        }
    }

    /// Waits until all files have arrived.
    pub(crate) fn arrive(&mut self) -> Result<(), Failure> {
        self.join();
        self.check()
    }

    /// Stops, without waiting for a store that may not answer.
    pub(crate) fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.join();
    }

    fn join(&mut self) {
        let Some(Queue { jobs, workers, .. }) = self.queue.take() else { return };
        drop(jobs);
        for worker in workers {
            let _ = worker.join();
        }
    }

    /// Gives an arrived file its final name, which must not exist.
    pub(crate) fn publish(&mut self, name: &str) -> Result<(), Failure> {
        let Some(file) = lock(&self.outcome).arrived.remove(name) else {
            let why = "has not arrived, so it gets no name";
            return Err(Failure::of(Status::Failed, name, why));
        };
        match file {
            Arrived::There(under) if under == name => Ok(()),
            Arrived::There(under) => rename(self.store().as_mut(), &under, name),
            Arrived::Here(spool) => {
                let limits = self.limits()?;
                let mut store = lock(&self.store);
                deliver(store.as_mut(), (name, &spool), limits, &self.stopped).map(drop)
            }
        }
    }

    /// Deletes the files that have arrived, if the store allows it, except those in `kept`.
    pub(crate) fn discard(&mut self, kept: &BTreeSet<String>) {
        let mut arrived = std::mem::take(&mut lock(&self.outcome).arrived);
        arrived.retain(|name, _| !kept.contains(name));
        let there = arrived.values().filter_map(|file| match file {
            Arrived::There(under) => Some(under),
            Arrived::Here(_) => None,
        });
        discard(self.store().as_mut(), there);
    }

    fn check(&self) -> Result<(), Failure> {
        lock(&self.outcome).failure.clone().map_or(Ok(()), Err)
    }
}

/// Gives a file its final name. A store may have lost it since it arrived.
fn rename(store: &mut dyn Store, under: &str, name: &str) -> Result<(), Failure> {
    let Err(failure) = store.rename(under, name) else { return Ok(()) };
    if failure.status() == Status::Lost || failure.reason() == Reason::NotStored {
        return Err(failure);
    }
    let is_gone = |files: &[Stored]| !files.iter().any(|file| [under, name].contains(&&*file.name));
    match store.list() {
        Ok(files) if is_gone(&files) => {
            let why = "the store has lost it since it arrived; run the command again";
            Err(Failure::of(Status::Refused, name, why).because(Reason::NotStored))
        }
        _ => Err(failure),
    }
}

/// Whether a file is a volume, from its name.
pub(crate) fn is_volume(name: &str) -> bool {
    FileName::parse(name).is_some_and(|name| matches!(name.kind, FileKind::Volume(_)))
}

impl Queue {
    fn new(store: &SharedStore, limits: Limits) -> Queue {
        let (jobs, waiting) = channel::bounded(1);
        let another = || Arc::new(Mutex::new(lock(store).another()));
        let mut stores: Vec<_> = (1..limits.connections).map(|_| another()).collect();
        stores.push(store.clone());
        Queue { jobs, waiting, stores, workers: Vec::new(), last: None }
    }

    fn add(&mut self, worker: UploadWorker) -> Result<(), Failure> {
        let waiting = self.waiting.clone();
        let spawned = Builder::new().spawn(move || worker.run(&waiting));
        self.workers.push(spawned.or_fail(Status::Failed, "thread")?);
        Ok(())
    }
}

/// What sends one file after the other.
struct UploadWorker {
    store: SharedStore,
    limits: Limits,
    outcome: Arc<Mutex<Outcome>>,
    stopped: Arc<AtomicBool>,
}

impl UploadWorker {
    fn run(&self, jobs: &channel::Receiver<Job>) {
        loop {
            match jobs.recv_timeout(IDLE) {
                Ok(job) if self.goes_on() => self.send(job),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => lock(&self.store).keep_alive(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn goes_on(&self) -> bool {
        lock(&self.outcome).failure.is_none() && !self.stopped.load(Ordering::Relaxed)
    }

    fn send(&self, Job { name, spool }: Job) {
        let mut store = lock(&self.store);
        let sent = deliver(store.as_mut(), (&name, &spool), self.limits, &self.stopped);
        let mut outcome = lock(&self.outcome);
        match sent {
            Ok(under) => {
                outcome.arrived.extend(under.map(|under| (name, Arrived::There(under))));
            }
            Err(failure) => outcome.failure = Some(failure),
        }
    }
}

/// The data in our locks is consistent after each statement, even after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeStore;
    use std::sync::Barrier;
    use std::time::Duration;

    fn send(sender: &mut Sender, name: &str, content: &[u8], complete: bool) {
        let mut outgoing = sender.start(name).unwrap();
        sender.write(name, &mut outgoing, content).unwrap();
        sender.end(name, outgoing, complete).unwrap();
    }

    #[test]
    fn a_large_file_does_not_keep_the_next_one_waiting() {
        let both_at_once = Arc::new(Barrier::new(2));
        let store = FakeStore { meeting: Some(both_at_once), ..FakeStore::default() };
        let (done, told) = channel::bounded(1);
        std::thread::spawn(move || {
            let mut sender = Sender::new(Box::new(store));
            let content = vec![0; usize::try_from(LARGE).unwrap()];
            send(&mut sender, "one", &content, true);
            send(&mut sender, "two", &content, true);
            done.send(sender.arrive())
        });
        told.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
    }

    #[test]
    fn only_whole_files_arrive() {
        let store = FakeStore::default();
        let files = store.files.clone();
        let mut sender = Sender::new(Box::new(store));
        send(&mut sender, "whole", b"moo", true);
        send(&mut sender, "half", b"mo", false);
        sender.arrive().unwrap();
        let temporary = sender.arrived("whole").unwrap();
        assert_eq!(sender.arrived("half"), None);
        assert_eq!(*files.lock().unwrap(), BTreeMap::from([(temporary, b"moo".to_vec())]));
        sender.publish("whole").unwrap();
        assert_eq!(*files.lock().unwrap(), BTreeMap::from([("whole".into(), b"moo".to_vec())]));
    }

    #[test]
    fn without_renames_only_volumes_have_their_names_before_they_are_published() {
        let store = FakeStore { fixed_names: true, ..FakeStore::default() };
        let files = store.files.clone();
        let names = || files.lock().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut sender = Sender::new(Box::new(store));
        let set = "duplicity-full.20261122T201500Z.";
        let [volume, manifest] =
            ["vol1.difftar.gpg", "manifest.gpg"].map(|end| format!("{set}{end}"));
        send(&mut sender, &volume, b"volume", true);
        send(&mut sender, &manifest, b"manifest", true);
        sender.arrive().unwrap();
        assert_eq!(names().as_slice(), std::slice::from_ref(&volume));
        assert_eq!(sender.arrived(&manifest), Some(manifest.clone()));
        for name in [&volume, &manifest] {
            sender.publish(name).unwrap();
        }
        assert_eq!(names(), [manifest, volume]);
    }
}
