//! The state of the last backup, read by a thread of its own while the source is walked: to unpack
//! it takes about as long as to ask the system about each object.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::Builder;
use std::vec;

use archive::{SetTime, TreePath};
use failure::{Failure, Status};
use local::{EntryRecord, SeenBefore, Signatures};

/// How many entries are handed over at once at most, and how many bytes of paths; and how many times
/// that may wait.
const BATCH: usize = 128;
const BATCH_BYTES: usize = 64 << 10;
const WAITING: usize = 2;

/// What the state has of a path.
pub(crate) struct Past {
    pub(crate) known: EntryRecord,
    /// What size its content can have had.
    pub(crate) sizes: Option<RangeInclusive<u64>>,
    /// Whether its inode data is that of a later scan than the one that stored it.
    pub(crate) seen: bool,
}

/// Where the state is read from.
pub(crate) struct State {
    /// What the sets of the chain add up to.
    pub(crate) signatures: Signatures,
    /// What later scans saw.
    pub(crate) seen: SeenBefore,
    /// The time of the newest set.
    pub(crate) time: SetTime,
}

/// All entries of the state, in the walk's order.
pub(crate) struct Base {
    reader: Reader,
    batch: vec::IntoIter<Past>,
    next: Option<Past>,
    /// How many entries it has come to.
    entries: u64,
    time: SetTime,
}

enum Reader {
    Thread(Receiver<Result<Vec<Past>, Failure>>),
    /// No other thread may be started, or can be.
    Here(Box<State>),
}

impl Base {
    /// Starts to read it, in a thread of its own if there may be more than one.
    pub(crate) fn start(state: State, jobs: NonZero<usize>) -> Result<Base, Failure> {
        let time = state.time;
        let reader =
            if jobs.get() > 1 { Reader::thread(state) } else { Reader::Here(Box::new(state)) };
        let mut base = Base { reader, batch: Vec::new().into_iter(), next: None, entries: 0, time };
        base.advance()?;
        Ok(base)
    }

    /// The entry that it stands at; none at the end.
    pub(crate) fn peek(&self) -> Option<&Past> {
        self.next.as_ref()
    }

    /// Goes on to the next entry.
    pub(crate) fn advance(&mut self) -> Result<(), Failure> {
        if self.batch.len() == 0 {
            self.batch = self.reader.batch()?.into_iter();
        }
        self.next = self.batch.next();
        self.entries += u64::from(self.next.is_some());
        Ok(())
    }

    /// The entry that it stands at, if that is the one of `path`. Goes on to the next one.
    pub(crate) fn take(&mut self, path: &TreePath) -> Result<Option<Past>, Failure> {
        let Some(past) = self.next.take_if(|past| past.known.path == *path) else {
            return Ok(None);
        };
        self.advance()?;
        Ok(Some(past))
    }

    /// When the newest set of the state began.
    pub(crate) fn time(&self) -> SetTime {
        self.time
    }

    /// How many entries it has come to so far.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }
}

impl Reader {
    fn thread(state: State) -> Reader {
        let (hand, handed) = channel::<State>();
        let (sender, receiver) = sync_channel(WAITING);
        let read = move || {
            if let Ok(state) = handed.recv() {
                send_all(state, &sender);
            }
        };
        // Where the system starts none, nobody is there to take the state.
        drop(Builder::new().spawn(read));
        match hand.send(state) {
            Ok(()) => Reader::Thread(receiver),
            Err(kept) => Reader::Here(Box::new(kept.0)),
        }
    }

    /// The next entries; none at the end.
    fn batch(&mut self) -> Result<Vec<Past>, Failure> {
        match self {
            // It tells the end before it goes.
            Reader::Thread(batches) => batches.recv().unwrap_or_else(|_| Err(died())),
            Reader::Here(state) => batch(state),
        }
    }
}

fn died() -> Failure {
    Failure::new(Status::Failed, "the thread that reads the archive directory has failed")
}

/// Ends with the state, with an error, or when nobody listens any more.
fn send_all(mut state: State, to: &SyncSender<Result<Vec<Past>, Failure>>) {
    loop {
        let batch = batch(&mut state);
        let is_last = batch.as_ref().map_or(true, Vec::is_empty);
        if to.send(batch).is_err() || is_last {
            return;
        }
    }
}

fn batch(state: &mut State) -> Result<Vec<Past>, Failure> {
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH), 0);
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        let Some(past) = take(state)? else { break };
        bytes += past.known.path.as_bytes().len();
        batch.push(past);
    }
    Ok(batch)
}

fn take(state: &mut State) -> Result<Option<Past>, Failure> {
    let Some(known) = state.signatures.peek() else { return Ok(None) };
    // duplicity records only the signature, which tells the size no better than to a block.
    let sizes = match known.size() {
        None if known.has_signature => {
            let signature = state.signatures.signature()?;
            rsync::file_size(&signature, signature.len() as u64)
        }
        size => size.map(|size| size..=size),
    };
    let known = state.signatures.take()?;
    Ok(known.map(|mut known| {
        let seen = state.seen.update(&mut known);
        Past { known, sizes, seen }
    }))
}
