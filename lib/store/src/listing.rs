//! The list of a store's files, as sent by the store's host, who may make it endless.

use std::time::{Duration, Instant};

use failure::{Failure, Status};

use crate::Stored;

/// More entries than this are no store, but a server that wants our memory or time.
const MOST_ENTRIES: u64 = 2_000_000;
/// Bytes of all names. Those of backups have some 80 each.
const MOST_BYTES: u64 = 192 << 20;
/// No file of a backup has a longer name, in bytes, and no common file system does.
const LONGEST_NAME: usize = 255;
/// The number of timeouts that a list may always take, and the number of entries per second that
/// are required after that.
const PATIENCE: u32 = 20;
const SLOWEST: f64 = 100.0;

/// A list that is being read.
pub(crate) struct Listing {
    which: String,
    start: Instant,
    /// How long a list may take, or `None` if nothing is waited for.
    grace: Option<Duration>,
    entries: u64,
    bytes: u64,
    files: Vec<Stored>,
}

impl Listing {
    /// An empty list. With a timeout, entries have to come in time.
    pub(crate) fn new(which: &str, timeout: Option<Duration>) -> Listing {
        Listing {
            which: which.to_owned(),
            start: Instant::now(),
            grace: timeout.map(|timeout| timeout.saturating_mul(PATIENCE)),
            entries: 0,
            bytes: 0,
            files: Vec::new(),
        }
    }

    /// Counts an entry. It is listed if it is a file, with its size, and has a name that one of ours may
    /// have.
    ///
    /// # Errors
    /// [`Status::Refused`]: the list is longer than any store's. [`Status::Lost`]: it comes too slowly.
    pub(crate) fn add(&mut self, name: &[u8], size: Option<u64>) -> Result<(), Failure> {
        self.entries += 1;
        self.bytes += name.len() as u64;
        if self.entries > MOST_ENTRIES || self.bytes > MOST_BYTES {
            return Err(self.failure(Status::Refused, "has too many files for a store"));
        }
        if self.grace.is_some_and(|grace| self.start.elapsed() > self.allowed(grace)) {
            return Err(self.failure(Status::Lost, "lists its files too slowly"));
        }
        let (Some(size), Ok(text)) = (size, std::str::from_utf8(name)) else {
            return Ok(());
        };
        if !name.is_empty() && name.len() <= LONGEST_NAME {
            self.files.push(Stored { name: text.to_owned(), size });
        }
        Ok(())
    }

    /// Whether a file of that name is listed.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.files.iter().any(|file| file.name.as_bytes() == name)
    }

    /// The files.
    pub(crate) fn finish(self) -> Vec<Stored> {
        self.files
    }

    /// The time allowed for the entries so far.
    fn allowed(&self, grace: Duration) -> Duration {
        grace + Duration::from_secs_f64(self.entries as f64 / SLOWEST)
    }

    pub(crate) fn failure(&self, status: Status, why: &str) -> Failure {
        Failure::of(status, &self.which, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_names_that_ours_may_have_are_listed() {
        let mut listing = Listing::new("store", None);
        let long = [b'x'; LONGEST_NAME + 1];
        for name in [&b"one"[..], b"", b"\xff", &long, &long[1..]] {
            listing.add(name, Some(3)).unwrap();
        }
        listing.add(b"folder", None).unwrap();
        assert!(listing.has(b"one") && !listing.has(b"folder"));
        let names: Vec<_> = listing.finish().into_iter().map(|file| file.name.len()).collect();
        assert_eq!(names, [3, LONGEST_NAME]);
    }

    #[test]
    fn a_list_without_end_ends_whatever_is_in_it() {
        for (name, size) in [(&b""[..], None), (b"a", Some(0)), (&[b'x'; 4000], Some(0))] {
            let mut listing = Listing::new("store", None);
            let failure = loop {
                if let Err(failure) = listing.add(name, size) {
                    break failure;
                }
            };
            assert_eq!(failure.status(), Status::Refused);
            assert!(listing.bytes <= MOST_BYTES + 4000 && listing.entries <= MOST_ENTRIES + 1);
        }
    }

    #[test]
    fn a_list_that_drips_is_given_up_and_one_that_flows_is_not() {
        let mut listing = Listing::new("store", Some(Duration::ZERO));
        listing.entries = 1_000_000;
        assert!(listing.add(b"a", Some(0)).is_ok());
        listing.entries = 0;
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(listing.add(b"a", Some(0)).unwrap_err().status(), Status::Lost);
    }
}
