//! Which files a seal vouches for, for the thread that reads ahead.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use archive::Seal;

/// The hashes in the last seal that was accepted: its set is the one that comes.
#[derive(Default)]
pub(crate) struct Vouched(Mutex<HashSet<String>>);

impl Vouched {
    fn hashes(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of the seal before.
    pub(crate) fn take(&self, seal: &Seal) {
        *self.hashes() = seal.files.iter().map(|file| file.sha256.clone()).collect();
    }

    /// Whether the seal has a file with this SHA-256, in lower-case hex.
    pub(crate) fn has(&self, sha256: &str) -> bool {
        self.hashes().contains(sha256)
    }
}
