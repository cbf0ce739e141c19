//! Threads that pack chunks. What comes of them comes in the order of the chunks.

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::chunk::Packer;

/// A chunk with the blocks that it became.
pub(crate) struct Packed {
    pub(crate) chunk: Vec<u8>,
    pub(crate) blocks: Vec<u8>,
}

struct Job {
    chunk: Vec<u8>,
    done: Sender<Packed>,
}

/// The threads, and what they have to do.
pub(crate) struct Workers {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    /// One for each chunk that is being packed, in their order.
    results: VecDeque<Receiver<Packed>>,
}

impl Workers {
    /// Starts as many of them as the system has room for, up to `count`; none if for none.
    pub(crate) fn start(count: NonZero<usize>, level: u8) -> Option<Workers> {
        let (jobs, todo) = unbounded::<Job>();
        let start = |_| {
            let todo = todo.clone();
            Builder::new().spawn(move || work(&todo, level)).ok()
        };
        let threads: Vec<_> = (0..count.get()).map_while(start).collect();
        let some = !threads.is_empty();
        some.then(|| Workers { jobs: Some(jobs), threads, results: VecDeque::new() })
    }

    /// Hands a chunk to the next thread that has nothing to do.
    pub(crate) fn give(&mut self, chunk: Vec<u8>) -> io::Result<()> {
        let (done, result) = bounded(1);
        let jobs = self.jobs.as_ref().ok_or_else(died)?;
        jobs.send(Job { chunk, done }).map_err(|_| died())?;
        self.results.push_back(result);
        Ok(())
    }

    /// Whether there is enough for all threads: as much again as they have in hand.
    pub(crate) fn are_busy(&self) -> bool {
        self.results.len() >= self.threads.len() * 2
    }

    /// What the oldest chunk has become; none where all have been asked for.
    pub(crate) fn take(&mut self) -> io::Result<Option<Packed>> {
        let result = self.results.pop_front();
        result.map(|result| result.recv().map_err(|_| died())).transpose()
    }
}

fn work(todo: &Receiver<Job>, level: u8) {
    let mut packer = Packer::new(level);
    for Job { chunk, done } in todo {
        let Ok(blocks) = packer.pack(&chunk) else {
            return;
        };
        // Nobody waits for it after an error.
        let _ = done.send(Packed { chunk, blocks });
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that died has been noticed by what it did not send.
            let _ = thread.join();
        }
    }
}

fn died() -> io::Error {
    io::Error::other("a compression thread has failed")
}
