//! Journals of a run: lines that are safe against a crash as soon as they are written, so that the
//! next run knows how far this one has come, however it ended; and an interrupted run as they show it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use archive::{FileKind, FileName, SetTime, TreePath};
use failure::{Failure, OrFail, Status, shown};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stream::member::{CTIME, INODE, SIZE};
use stream::{Member, Receipt, Resume, SetHeader};

use crate::Folder;

/// The journal of `moo-pack`: the set, and a [`PackedVolume`] for each volume.
pub const PACKED: &str = "packed";
/// The journal of `moo-commit`: the set, and a [`Receipt`] for each file that has arrived.
pub const ARRIVED: &str = "arrived";

/// The longest line of a journal.
const LONGEST_LINE: u64 = 64 << 20;

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    which: String,
}

impl Journal {
    /// Starts a new journal of a kind with the given lines, in place of an older one.
    pub fn start<L: Serialize>(
        folder: &Folder,
        head: &SetHeader,
        kind: &str,
        lines: &[L],
    ) -> Result<Journal, Failure> {
        let path = folder.path(&Folder::journal_name(head.time, kind));
        let new = folder.path(&Folder::journal_name(head.time, &format!("{kind}.new")));
        let which = shown(&path).to_string();
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&new);
        let mut to = BufWriter::new(file.or_fail(Status::Failed, &which)?);
        // The head says that the run resumes another one; the lines say from where.
        let resume = head.resume.as_ref().map(|_| Resume::default());
        let head = SetHeader { run: None, resume, ..head.clone() };
        put(&mut to, &which, &head)?;
        lines.iter().try_for_each(|line| put(&mut to, &which, line))?;
        let file = to.into_inner().map_err(std::io::IntoInnerError::into_error);
        let file = file.or_fail(Status::Failed, &which)?;
        file.sync_all().and_then(|()| fs::rename(&new, &path)).or_fail(Status::Failed, &which)?;
        folder.sync()?;
        Ok(Journal { file, which })
    }

    /// Adds a line, and waits until it is safe.
    pub fn add(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        put(&mut self.file, &self.which, line)?;
        self.file.sync_data().or_fail(Status::Failed, &self.which)
    }
}

/// Writes a line at once: one that a crash has cut is the last.
fn put(to: &mut impl Write, which: &str, line: &impl Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_vec(line).or_fail(Status::Failed, which)?;
    line.push(b'\n');
    to.write_all(&line).or_fail(Status::Failed, which)
}

/// The set and the lines of a journal, up to the first incomplete line, or `None` without a
/// journal.
pub fn read_journal<L: DeserializeOwned>(
    folder: &Folder,
    time: SetTime,
    kind: &str,
) -> Result<Option<(SetHeader, Vec<L>)>, Failure> {
    let path = folder.path(&Folder::journal_name(time, kind));
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.or_fail(Status::Failed, shown(&path))?,
    };
    let mut from = BufReader::new(file);
    let mut next = || {
        let mut line = Vec::new();
        let read = from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        read.map(|_| line.ends_with(b"\n").then_some(line)).or_fail(Status::Failed, shown(&path))
    };
    let head = next()?.and_then(|line| serde_json::from_slice::<SetHeader>(&line).ok());
    let Some(head) = head.filter(|head| head.time == time) else { return Ok(None) };
    let mut lines = Vec::new();
    while let Some(line) = next()?.and_then(|line| serde_json::from_slice(&line).ok()) {
        lines.push(line);
    }
    Ok(Some((head, lines)))
}

/// A line of the journal of `moo-pack`: how far a set was when a volume had been packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedVolume {
    /// The number of the volume, from 1.
    pub volume: u64,
    /// The path of its last entry.
    pub last: TreePath,
    /// The uppermost path, at or above the last one, that the set does not make a directory:
    /// nothing can be below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<TreePath>,
    /// Bytes in the signatures.
    pub signatures: u64,
    /// Bytes in the draft of the manifest, without the list of files.
    pub manifest: u64,
    /// Bytes in the list of files.
    pub files: u64,
    /// Files in that list.
    pub count: u64,
    /// Bytes of content and deltas.
    pub delta_bytes: u64,
    /// The last entry, if more of it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<StartedFile>,
}

/// A file of which some pieces have been packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedFile {
    /// How many pieces.
    pub pieces: u64,
    /// The SHA-256 of their names and bodies, in hex.
    pub sha256: String,
    /// The state of the file when its first piece was packed.
    pub file: FileState,
}

/// Size, times and inode of a file: equal as long as the file has not changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    size: String,
    mtime: String,
    ctime: String,
    inode: String,
}

impl FileState {
    /// The state of the file that a member stands for; none if the member lacks part of it.
    pub fn of(member: &Member) -> Option<FileState> {
        let fact = |key| member.annotations.get(key).map(str::to_owned);
        let mtime = member.mtime.to_string();
        Some(FileState { size: fact(SIZE)?, mtime, ctime: fact(CTIME)?, inode: fact(INODE)? })
    }
}

/// With more volumes than this no run is resumed: the list of them travels in `begin.json`.
const MOST_VOLUMES: usize = 100_000;

/// A set that was begun, and the volumes of it that have been packed and have arrived.
#[derive(Clone, Debug)]
pub struct Interrupted {
    /// The set.
    pub head: SetHeader,
    /// The state at the end of each volume, from the first one on.
    pub packed: Vec<PackedVolume>,
    /// The receipts of these volumes.
    pub arrived: Vec<Receipt>,
}

impl Interrupted {
    /// The newest one that has a volume.
    pub fn find(folder: &Folder) -> Result<Option<Interrupted>, Failure> {
        let names = folder.names()?;
        let Some(time) = names.iter().filter_map(|name| Folder::parse_journal(name)).max() else {
            return Ok(None);
        };
        let Some((head, packed)) = read_journal::<PackedVolume>(folder, time, PACKED)? else {
            return Ok(None);
        };
        let Some((sent, arrived)) = read_journal::<Receipt>(folder, time, ARRIVED)? else {
            return Ok(None);
        };
        if head.id() != sent.id() {
            return Ok(None);
        }
        let head = SetHeader { key: sent.key, ..head };
        let arrived = in_order(&head, arrived);
        let mut found = Interrupted { head, packed, arrived };
        found.keep(found.whole_volumes(folder).min(MOST_VOLUMES));
        Ok((!found.packed.is_empty()).then_some(found))
    }

    /// Forgets all volumes but so many.
    pub fn keep(&mut self, volumes: usize) {
        self.packed.truncate(volumes);
        self.arrived.truncate(volumes);
    }

    /// Truncates the journal of receipts to these volumes, before another volume is packed in place
    /// of a stored one.
    pub fn save(&self, folder: &Folder) -> Result<(), Failure> {
        Journal::start(folder, &self.head, ARRIVED, &self.arrived).map(drop)
    }

    /// The set for a run that resumes it.
    pub fn resumed(&self) -> SetHeader {
        let resume = Resume { volumes: self.arrived.clone(), key: self.head.key.clone() };
        SetHeader { key: None, resume: Some(resume), ..self.head.clone() }
    }

    /// How many volumes both journals know, and the unfinished files are long enough for.
    fn whole_volumes(&self, folder: &Folder) -> usize {
        let id = self.head.id();
        let part = |kind| length(folder, &Folder::part_name(id, kind));
        let (signatures, manifest) = (part(FileKind::Signatures), part(FileKind::Manifest));
        let files = length(folder, &Folder::journal_name(id.time, Folder::FILES));
        let lines = self.packed.iter().zip(&self.arrived).zip(1..);
        let whole = lines.take_while(|((packed, _), number)| {
            packed.volume == *number
                && packed.signatures <= signatures
                && packed.manifest <= manifest
                && packed.files <= files
        });
        whole.count()
    }
}

/// The volumes of the set among the receipts, from the first one on. Of two receipts for one
/// volume, the later counts.
fn in_order(head: &SetHeader, receipts: Vec<Receipt>) -> Vec<Receipt> {
    let number = |receipt: &Receipt| match FileName::parse(&receipt.stored)? {
        FileName { set, kind: FileKind::Volume(number), .. } if set == head.id() => Some(number),
        _ => None,
    };
    let known = receipts.into_iter().filter_map(|receipt| Some((number(&receipt)?, receipt)));
    let mut known: std::collections::BTreeMap<u64, Receipt> = known.collect();
    (1..).map_while(|number| known.remove(&number)).collect()
}

fn length(folder: &Folder, name: &str) -> u64 {
    fs::metadata(folder.path(name)).map_or(0, |facts| facts.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::SetType;

    #[test]
    fn a_journal_that_is_cut_anywhere_tells_the_lines_that_are_whole() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::create(scratch.path()).unwrap();
        let time: SetTime = "20261122T201500Z".parse().unwrap();
        let head = SetHeader {
            set_type: SetType::Full,
            time,
            base: None,
            host: b"barn".to_vec(),
            source: b"/etc".to_vec(),
            identity: "0123456789abcdef0123456789abcdef".parse().ok(),
            labels: archive::Labels::default(),
            run: Some("a run".into()),
            previous_seal: None,
            passphrase: None,
            options: None,
            key: None,
            resume: None,
        };
        let line = |number: u64| Receipt { size: number, ..Receipt::default() };
        let mut journal = Journal::start(&folder, &head, ARRIVED, &[line(0)]).unwrap();
        (1..4).for_each(|number| journal.add(&line(number)).unwrap());
        let path = folder.path(&Folder::journal_name(time, ARRIVED));
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let ends = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            let Some((told, lines)) = read_journal::<Receipt>(&folder, time, ARRIVED).unwrap()
            else {
                assert_eq!(ends, 0);
                continue;
            };
            assert_eq!(told, SetHeader { run: None, ..head.clone() });
            assert_eq!(lines, (0..4).map(line).take(ends - 1).collect::<Vec<_>>());
        }
        assert_eq!(Folder::parse_journal(path.file_name().unwrap().to_str().unwrap()), Some(time));
    }
}
