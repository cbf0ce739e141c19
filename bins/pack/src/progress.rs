//! How far a set is: told in a journal at the end of each volume, so that a run that is
//! interrupted can be gone on with behind the last volume that was stored.

use archive::{EntryPosition, Part, TreePath};
use failure::{Failure, Status};
use local::{FileState, Folder, Journal, Lock, PACKED, PackedVolume, StartedFile, read_journal};
use sha2::{Digest, Sha256};
use stream::member::{Kind, SIZE};
use stream::{Entry, SetHeader};

/// Bytes by which a file may grow while it is read, besides an eighth of it, and still be known.
const MARGIN: u64 = 1 << 20;

/// What is noted of the entries that are packed; nothing where no archive is kept.
pub(crate) struct Progress {
    journal: Option<Journal>,
    /// The uppermost path that is no directory, at or above the last entry.
    closed: Option<TreePath>,
    /// The pieces of the file that the last entry is of, if it may go on in the next volume.
    pieces: Option<Sha256>,
    file: Option<FileState>,
}

impl Progress {
    /// Starts the journal of a run, and returns where the one that it goes on with was.
    pub(crate) fn start(
        folder: Option<&Folder>,
        head: &SetHeader,
    ) -> Result<(Progress, Option<PackedVolume>, Option<Lock>), Failure> {
        let mut progress = Progress { journal: None, closed: None, pieces: None, file: None };
        let Some(folder) = folder else {
            return match head.resume {
                Some(_) => Err(usage("is missing, and the run resumes another one")),
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

    /// Takes note of an entry that goes into a volume which has room for so many bytes.
    pub(crate) fn entry(&mut self, entry: &Entry, room: u64) {
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
            self.pieces = (!fits(entry, room)).then(Sha256::new);
            self.file = FileState::of(&entry.member);
        }
        let Some(pieces) = &mut self.pieces else { return };
        pieces.update(entry.name.encode(false));
        pieces.update(&entry.body);
    }

    /// Takes note of the end of a volume; `packed` lacks only what is known here. `end` is the
    /// place of its last entry.
    pub(crate) fn volume(
        &mut self,
        packed: PackedVolume,
        end: &EntryPosition,
    ) -> Result<(), Failure> {
        let closed = self.closed.clone();
        let started = end.piece.map(|pieces| self.started(pieces));
        if started == Some(None) {
            // Nobody could tell whether the file is the same the next time.
            self.journal = None;
        }
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.add(&PackedVolume { closed, started: started.flatten(), ..packed })
    }

    fn started(&self, pieces: u64) -> Option<StartedFile> {
        let sha256 = format!("{:x}", self.pieces.clone()?.finalize());
        Some(StartedFile { pieces, sha256, file: self.file.clone()? })
    }

    /// Whether the pieces so far are those that are stored.
    pub(crate) fn agrees(&self, stored: &StartedFile) -> bool {
        self.started(stored.pieces).is_some_and(|now| now == *stored)
    }

    /// Whether a journal is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.journal.is_some()
    }
}

/// Whether a file of that size fits, with the heads of its pieces, even if it grows a bit: to hash
/// it would be in vain.
fn fits(entry: &Entry, room: u64) -> bool {
    let size = entry.member.annotations.get(SIZE).and_then(|size| size.parse::<u64>().ok());
    size.is_some_and(|size| size.saturating_add(size / 8).saturating_add(MARGIN) < room)
}

/// What the archive knows of the volumes that are stored.
fn packed(folder: &Folder, head: &SetHeader) -> Result<Vec<PackedVolume>, Failure> {
    let stored = head.stored().len();
    if head.resume.is_none() {
        return Ok(Vec::new());
    }
    let known = read_journal::<PackedVolume>(folder, head.time, PACKED)?;
    let (_, mut lines) = known.ok_or_else(|| usage("does not know the run that is resumed"))?;
    lines.truncate(stored);
    if stored == 0 || lines.len() < stored {
        return Err(usage("does not know all stored volumes"));
    }
    Ok(lines)
}

fn usage(why: &str) -> Failure {
    Failure::new(Status::Usage, format!("--archive: {why}"))
}
