//! What seals and manifests vouch for, for the thread that reads ahead.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use archive::{FileKind, FileName, Manifest, Seal, SetId, hash_named, read_checkpoints};

use crate::pieces::Expected;

/// What has been accepted.
#[derive(Default)]
pub(crate) struct Vouched(Mutex<Accepted>);

#[derive(Default)]
struct Accepted {
    /// The hashes in the last seal: its set is the one that comes.
    sealed: HashSet<String>,
    /// Manifests that nobody could change who can't make whole messages, or that a signature covers.
    manifests: HashMap<SetId, Arc<Manifest>>,
}

impl Vouched {
    fn accepted(&self) -> MutexGuard<'_, Accepted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of the seal before.
    pub(crate) fn take_seal(&self, seal: &Seal) {
        self.accepted().sealed = seal.files.iter().map(|file| file.sha256.clone()).collect();
    }

    /// Takes a manifest that can be trusted.
    pub(crate) fn take_manifest(&self, set: SetId, manifest: &Arc<Manifest>) {
        self.accepted().manifests.insert(set, Arc::clone(manifest));
    }

    /// Whether the seal has a file with this SHA-256, in lower-case hex.
    pub(crate) fn has(&self, sha256: &str) -> bool {
        self.accepted().sealed.contains(sha256)
    }

    /// What the manifest says of a volume that can be checked piece by piece.
    pub(crate) fn volume(&self, stored: &str) -> Option<Expected> {
        let FileName { set, kind: FileKind::Volume(number), .. } = FileName::parse(stored)? else {
            return None;
        };
        let manifest = self.accepted().manifests.get(&set).map(Arc::clone)?;
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        // A manifest has the volumes 1, 2, 3 and so on.
        let hashes = &manifest.volumes.get(at)?.hashes;
        let sha256 = hash_named(hashes, "SHA256")?.to_ascii_lowercase();
        Some(Expected { sha256, checkpoints: read_checkpoints(hashes)? })
    }
}
