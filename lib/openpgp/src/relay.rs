//! Readers whose content another thread reads ahead: while one thread decrypts, another one inflates.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope};

use crate::packets::read_buffered;

/// How many buffers go round between two threads, which are seldom equally fast.
const BUFFERS: usize = 4;

/// The content of a reader, which a thread of its own reads, `length` bytes at a time and some buffers
/// ahead. An error comes after all content before it. The thread ends when what it returns is dropped.
///
/// If no thread can be started, the content is read when it is asked for.
pub(crate) fn relay<'scope, R: Read + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    from: R,
    length: usize,
) -> Box<dyn BufRead + Send + 'scope> {
    // The reader is not moved into a thread that may not start.
    let (source, begin) = channel();
    let (full, filled) = sync_channel(BUFFERS);
    let (empty, free) = channel();
    let read = move || {
        if let Ok(from) = begin.recv() {
            fill(from, length, &free, &full);
        }
    };
    if Builder::new().spawn_scoped(scope, read).is_err() {
        return Box::new(BufReader::with_capacity(length, from));
    }
    // A thread that waits for it is there.
    let _ = source.send(from);
    (1..BUFFERS).for_each(|_| _ = empty.send(Vec::new()));
    Box::new(Relay { filled, empty, buffer: Vec::new(), at: 0, has_ended: false })
}

/// Reads all content into buffers, until nobody takes them. An empty one is the end.
fn fill<R: Read>(
    mut from: R,
    length: usize,
    free: &Receiver<Vec<u8>>,
    full: &SyncSender<io::Result<Vec<u8>>>,
) {
    while let Ok(mut buffer) = free.recv() {
        buffer.clear();
        buffer.reserve(length);
        // What comes before an error is in the buffer.
        let outcome = from.by_ref().take(length as u64).read_to_end(&mut buffer);
        let is_end = buffer.is_empty() && outcome.is_ok();
        if (is_end || !buffer.is_empty()) && full.send(Ok(buffer)).is_err() {
            return;
        }
        if let Err(error) = outcome {
            return drop(full.send(Err(error)));
        }
        if is_end {
            return;
        }
    }
}

/// What a thread has read.
struct Relay {
    filled: Receiver<io::Result<Vec<u8>>>,
    /// For buffers that have been read, to be used again.
    empty: Sender<Vec<u8>>,
    buffer: Vec<u8>,
    /// The next byte of the buffer.
    at: usize,
    has_ended: bool,
}

impl BufRead for Relay {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.buffer.len() && !self.has_ended {
            let died = |_| io::Error::other("a thread that reads ahead has ended early");
            let next = self.filled.recv().map_err(died)??;
            self.has_ended = next.is_empty();
            self.at = 0;
            let _ = self.empty.send(std::mem::replace(&mut self.buffer, next));
        }
        Ok(&self.buffer[self.at..])
    }

    fn consume(&mut self, length: usize) {
        self.at += length;
    }
}

impl Read for Relay {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::scope;

    const LENGTH: usize = 1000;

    /// Content of some length, read in pieces of another one, that ends with an error or well.
    struct Source {
        left: usize,
        piece: usize,
        fails: bool,
        /// How many bytes have been read of it.
        read: Arc<AtomicUsize>,
    }

    impl Source {
        fn new(left: usize, piece: usize, fails: bool) -> Source {
            Source { left, piece, fails, read: Arc::default() }
        }
    }

    impl Read for Source {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 && self.fails {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let length = buffer.len().min(self.piece).min(self.left);
            let from = self.read.fetch_add(length, Ordering::SeqCst);
            (0..length).for_each(|at| buffer[at] = byte(from + at));
            self.left -= length;
            Ok(length)
        }
    }

    fn byte(at: usize) -> u8 {
        (at * at % 251) as u8
    }

    #[test]
    fn who_stops_reading_ends_the_thread_which_was_some_buffers_ahead() {
        let source = Source::new(usize::MAX, LENGTH, false);
        let read = Arc::clone(&source.read);
        scope(|scope| {
            let mut relay = relay(scope, source, LENGTH);
            assert_eq!(relay.fill_buf().unwrap().len(), LENGTH);
        });
        assert!(read.load(Ordering::SeqCst) <= (BUFFERS + 1) * LENGTH);
    }

    #[test]
    fn a_thread_that_reads_through_another_ends_with_it() {
        scope(|scope| {
            let endless = Source::new(usize::MAX, LENGTH, false);
            let mut two = relay(scope, relay(scope, endless, LENGTH), 3 * LENGTH);
            assert_eq!(two.fill_buf().unwrap().len(), 3 * LENGTH);
        });
    }

    proptest::proptest! {
        #[test]
        fn content_comes_in_its_order_and_an_error_after_it(
            length in 0usize..20 * LENGTH, piece in 1usize..3 * LENGTH, fails: bool
        ) {
            let (content, outcome) = scope(|scope| {
                let mut content = Vec::new();
                let mut relay = relay(scope, Source::new(length, piece, fails), LENGTH);
                let outcome = relay.read_to_end(&mut content);
                (content, outcome)
            });
            proptest::prop_assert!(content == (0..length).map(byte).collect::<Vec<_>>());
            let error = outcome.err().map(|error| error.kind());
            proptest::prop_assert_eq!(error, fails.then_some(io::ErrorKind::InvalidData));
        }
    }
}
