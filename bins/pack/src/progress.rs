//! How far a set is: told in a journal at the end of each volume, so that a run that is
//! interrupted can be gone on with behind the last volume that was stored.

use archive::{Part, Place, TreePath};
use local::{Folder, Journal, Lock, PACKED, read_journal};
use sha2::{Digest, Sha256};
use stream::member::Kind;
use stream::{Entry, Failure, FileFacts, Packed, SetHead, Started, Status};

/// What is noted of the entries that are packed; nothing where no archive is kept.
pub(crate) struct Progress {
    journal: Option<Journal>,
    /// The uppermost path that is no directory, at or above the last entry.
    closed: Option<TreePath>,
    /// The pieces of the file that the last entry is of.
    pieces: Sha256,
    file: Option<FileFacts>,
}

impl Progress {
    /// Starts the journal of a run, and returns where the one that it goes on with was.
    pub(crate) fn start(
        folder: Option<&Folder>,
        head: &SetHead,
    ) -> Result<(Progress, Option<Packed>, Option<Lock>), Failure> {
        let mut progress =
            Progress { journal: None, closed: None, pieces: Sha256::new(), file: None };
        let Some(folder) = folder else {
            return match head.resume {
                Some(_) => Err(usage("is missing, and the run goes on with another")),
                None => Ok((progress, None, None)),
            };
        };
        let lock = Lock::join(folder, head.run.as_deref())?;
        let lines = packed(folder, head)?;
        progress.journal = Some(Journal::start(folder, head, PACKED, &lines)?);
        let last = lines.into_iter().next_back();
        progress.closed = last.as_ref().and_then(|last| last.closed.clone());
        Ok((progress, last, Some(lock)))
    }

    /// Takes note of an entry that goes into a volume.
    pub(crate) fn entry(&mut self, entry: &Entry) {
        if self.journal.is_none() {
            return;
        }
        let path = &entry.name.path;
        if !self.closed.as_ref().is_some_and(|closed| path.starts_with(closed)) {
            let open = entry.name.part == Part::Snapshot && entry.member.kind == Kind::Directory;
            self.closed = (!open).then(|| path.clone());
        }
        let Some(piece) = entry.name.piece else { return };
        if piece == 1 {
            self.pieces = Sha256::new();
            self.file = FileFacts::of(&entry.member);
        }
        self.pieces.update(entry.name.encode(false));
        self.pieces.update(&entry.body);
    }

    /// Takes note of the end of a volume; `packed` lacks only what is known here. `end` is the
    /// place of its last entry.
    pub(crate) fn volume(&mut self, packed: Packed, end: &Place) -> Result<(), Failure> {
        let closed = self.closed.clone();
        let started = end.piece.map(|pieces| self.started(pieces));
        if started == Some(None) {
            // Nobody could tell whether the file is the same the next time.
            self.journal = None;
        }
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.add(&Packed { closed, started: started.flatten(), ..packed })
    }

    fn started(&self, pieces: u64) -> Option<Started> {
        let sha256 = format!("{:x}", self.pieces.clone().finalize());
        Some(Started { pieces, sha256, file: self.file.clone()? })
    }

    /// Whether the pieces so far are those that are stored.
    pub(crate) fn agrees(&self, stored: &Started) -> bool {
        self.started(stored.pieces).is_some_and(|now| now == *stored)
    }

    /// Whether a journal is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.journal.is_some()
    }
}

/// What the archive knows of the volumes that are stored.
fn packed(folder: &Folder, head: &SetHead) -> Result<Vec<Packed>, Failure> {
    let stored = head.stored().len();
    if head.resume.is_none() {
        return Ok(Vec::new());
    }
    let known = read_journal::<Packed>(folder, head.time, PACKED)?;
    let (_, mut lines) =
        known.ok_or_else(|| usage("does not know the run that this goes on with"))?;
    lines.truncate(stored);
    if stored == 0 || lines.len() < stored {
        return Err(usage("does not know all volumes that are stored"));
    }
    Ok(lines)
}

fn usage(why: &str) -> Failure {
    Failure::new(Status::Usage, format!("--archive: {why}"))
}
