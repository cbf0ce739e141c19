//! Sending one file, again where the store is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failure::{Failure, OrFail, Status, TemporaryFile};
use store::{Limits, Store, Tries, temporary_name};

use crate::spool::{Progress, Spool};

/// How often an idle connection shows that it is alive.
pub(crate) const IDLE: Duration = Duration::from_secs(15);
/// Bytes that are passed to the store at once.
const CHUNK: usize = 1 << 20;

/// The name that a file has in the store until it is published.
pub(crate) fn name_until_published(name: &str, limits: Limits) -> String {
    if limits.renames { temporary_name(name) } else { name.to_owned() }
}

/// Sends a file, which may still grow. Each try has a new name, because the leftover of a lost
/// connection may not be writable. Returns the last name, or `None` if the file was dropped or
/// sending has `stopped`.
pub(crate) fn deliver(
    store: &mut dyn Store,
    (name, spool): (&str, &Spool),
    limits: Limits,
    stopped: &AtomicBool,
) -> Result<Option<String>, Failure> {
    let mut tries = Tries::new(limits.tries);
    let mut leftovers = Vec::new();
    let sent = loop {
        let size = limits.whole_files.then(|| await_more(store, spool, u64::MAX).0);
        if spool.is_dropped() || stopped.load(Ordering::Relaxed) {
            break Ok(None);
        }
        let under = name_until_published(name, limits);
        match attempt(store, (&under, spool), size, stopped) {
            Ok(true) => break Ok(Some(under)),
            Ok(false) => {
                leftovers.push(under);
                break Ok(None);
            }
            Err(failure) => {
                leftovers.push(under);
                if let Err(failure) = tries.failed(failure, || stopped.load(Ordering::Relaxed)) {
                    break Err(failure);
                }
            }
        }
    };
    // Without temporary names, a leftover may be another's file.
    if limits.renames {
        discard(store, &leftovers);
    }
    sent
}

/// Deletes files that nobody needs, as long as the store is there. It may not let us, and that is
/// fine: nobody takes such files for anything.
pub(crate) fn discard<'a>(store: &mut dyn Store, names: impl IntoIterator<Item = &'a String>) {
    for name in names {
        let discarded = store.discard(name);
        if discarded.is_err_and(|failure| failure.status() == Status::Lost) {
            return;
        }
    }
}

/// Sends it once. Returns false if it is not wanted any more.
fn attempt(
    store: &mut dyn Store,
    (under, spool): (&str, &Spool),
    size: Option<u64>,
    stopped: &AtomicBool,
) -> Result<bool, Failure> {
    let mut sink = store.create(under, size)?;
    let mut chunk = vec![0; CHUNK];
    let mut sent = 0;
    loop {
        // Of a store that takes whole files, nobody knows what it makes of a cut one.
        if size.is_none() && stopped.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let (len, progress) = spool.wait_beyond(sent, Duration::ZERO);
        let more = usize::try_from(len - sent).unwrap_or(CHUNK).min(CHUNK);
        match progress {
            _ if more > 0 => {
                spool.read_at(&mut chunk[..more], sent).or_fail(Status::Failed, TemporaryFile)?;
                sink.write_all(&chunk[..more]).or_fail(Status::Failed, under)?;
                sent += more as u64;
            }
            Progress::Growing => {
                sink.flush().or_fail(Status::Failed, under)?;
                await_more(store, spool, sent);
            }
            Progress::Complete => return sink.finish().map(|()| true),
            Progress::Dropped => return Ok(false),
        }
    }
}

/// Waits until there is more of the file than is known, or no more will come.
fn await_more(store: &mut dyn Store, spool: &Spool, known: u64) -> (u64, Progress) {
    loop {
        let (len, progress) = spool.wait_beyond(known, IDLE);
        if len > known || progress != Progress::Growing {
            return (len, progress);
        }
        store.keep_alive();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeStore;

    fn delivered(mut store: FakeStore) -> (Result<Option<String>, Failure>, Vec<String>) {
        let spool = Spool::new().unwrap();
        spool.append(b"moo").unwrap();
        spool.end(Progress::Complete);
        let limits = store.limits().unwrap();
        let sent = deliver(&mut store, ("x", &spool), limits, &AtomicBool::new(false));
        let names = store.files.lock().unwrap().keys().cloned().collect();
        (sent, names)
    }

    #[test]
    fn a_lost_file_is_sent_again_under_a_new_name_and_nothing_else_stays() {
        let (sent, names) = delivered(FakeStore { losses: 1, ..FakeStore::default() });
        assert_eq!(names, [sent.unwrap().unwrap()]);
    }

    #[test]
    fn a_file_that_is_lost_each_time_is_given_up() {
        let (sent, names) = delivered(FakeStore { losses: 2, ..FakeStore::default() });
        assert_eq!(sent.unwrap_err().message(), "cut (given up after 2 tries)");
        assert!(names.is_empty());
    }

    #[test]
    fn what_may_be_a_file_of_another_is_not_deleted() {
        let store = FakeStore { losses: 2, fixed_names: true, ..FakeStore::default() };
        assert_eq!(delivered(store).1, ["x"]);
    }
}
