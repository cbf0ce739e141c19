//! The report of a stage that reads. A thread writes it, so that it is also right while the stage
//! waits for the next one.

use std::io::{self, Read};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use failure::legible;

use crate::memory::{Memory, Slot, Work};

/// How often a report is written: a person sees no more.
const PAUSE: Duration = Duration::from_millis(100);
/// The bytes of a path that are reported: more fit on no line.
const LONGEST: usize = 1000;

/// Reports how far a stage is, if somebody can see it. Clones report the same work.
#[derive(Clone, Default)]
pub struct Reporter(Option<Rc<Report>>);

struct Report {
    counts: Arc<Counts>,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What the stage has come to.
#[derive(Default)]
struct Counts {
    files: AtomicU64,
    bytes: AtomicU64,
    read: AtomicU64,
    path: Mutex<Vec<u8>>,
}

impl Reporter {
    /// Starts a report. The totals are those that are known.
    pub fn start(files_total: Option<u64>, bytes_total: Option<u64>) -> Reporter {
        let Some(memory) = Memory::inherited() else { return Reporter(None) };
        let before = memory.read::<Work>(Slot::Work).unwrap_or_default();
        let read_before = before.all_read();
        let work = Work { active: true, files_total, bytes_total, read_before, ..Work::default() };
        let (stop, stopped) = channel();
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        let thread = Builder::new().name("progress".into());
        let thread = thread.spawn(move || write(&memory, work, &counted, &stopped)).ok();
        Reporter(Some(Rc::new(Report { counts, thread: thread.map(|thread| (stop, thread)) })))
    }

    /// Names the entry or file that comes next, after so many with so many bytes.
    pub fn at(&self, path: &[u8], files: u64, bytes: u64) {
        let Some(report) = &self.0 else { return };
        let counts = &report.counts;
        counts.files.store(files, Ordering::Relaxed);
        counts.bytes.store(bytes, Ordering::Relaxed);
        let mut named = counts.path.lock().unwrap_or_else(PoisonError::into_inner);
        named.clear();
        named.extend_from_slice(&path[..path.len().min(LONGEST)]);
    }

    /// Counts bytes of it that were read.
    pub fn read(&self, bytes: u64) {
        let Some(report) = &self.0 else { return };
        report.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        report.counts.read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A reader whose bytes are counted.
    pub fn count<R: Read>(&self, from: R) -> Counted<'_, R> {
        Counted { from, reporter: self }
    }
}

/// Writes reports until the stage has read everything that it will.
fn write(memory: &Memory, mut work: Work, counts: &Counts, stopped: &Receiver<()>) {
    while work.active {
        memory.write(Slot::Work, &work);
        work.active = stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout);
        work.files = counts.files.load(Ordering::Relaxed);
        work.bytes = counts.bytes.load(Ordering::Relaxed);
        work.read = counts.read.load(Ordering::Relaxed);
        let path = counts.path.lock().unwrap_or_else(PoisonError::into_inner);
        work.path = legible::name(&path);
    }
    memory.write(Slot::Work, &work);
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// A reader whose bytes are counted.
pub struct Counted<'a, R> {
    from: R,
    reporter: &'a Reporter,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.reporter.read(read as u64);
        Ok(read)
    }
}
