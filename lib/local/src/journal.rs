//! Journals of a run: lines that are safe against a crash as soon as they are written, so that the
//! next run knows how far this one has come, however it ended.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use archive::SetTime;
use failure::{Failure, OrFail, Status};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stream::{Resume, SetHead};

use crate::Folder;

/// The journal of `moo-pack`: the set, and a [`stream::Packed`] for each volume.
pub const PACKED: &str = "packed";
/// The journal of `moo-commit`: the set, and a [`stream::Receipt`] for each file that has arrived.
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
        head: &SetHead,
        kind: &str,
        lines: &[L],
    ) -> Result<Journal, Failure> {
        let path = folder.path(&Folder::journal_name(head.time, kind));
        let new = folder.path(&Folder::journal_name(head.time, &format!("{kind}.new")));
        let which = path.display().to_string();
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&new);
        let mut to = BufWriter::new(file.or_fail(Status::Failed, &which)?);
        // The head says that the run resumes another one; the lines say from where.
        let resume = head.resume.as_ref().map(|_| Resume::default());
        let head = SetHead { run: None, resume, ..head.clone() };
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
pub fn read<L: DeserializeOwned>(
    folder: &Folder,
    time: SetTime,
    kind: &str,
) -> Result<Option<(SetHead, Vec<L>)>, Failure> {
    let path = folder.path(&Folder::journal_name(time, kind));
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.or_fail(Status::Failed, path.display())?,
    };
    let mut from = BufReader::new(file);
    let mut next = || {
        let mut line = Vec::new();
        let read = from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        read.map(|_| line.ends_with(b"\n").then_some(line)).or_fail(Status::Failed, path.display())
    };
    let head = next()?.and_then(|line| serde_json::from_slice::<SetHead>(&line).ok());
    let Some(head) = head.filter(|head| head.time == time) else { return Ok(None) };
    let mut lines = Vec::new();
    while let Some(line) = next()?.and_then(|line| serde_json::from_slice(&line).ok()) {
        lines.push(line);
    }
    Ok(Some((head, lines)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::{Receipt, SetType};

    #[test]
    fn a_journal_that_is_cut_anywhere_tells_the_lines_that_are_whole() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::create(scratch.path()).unwrap();
        let time: SetTime = "20261122T201500Z".parse().unwrap();
        let head = SetHead {
            set_type: SetType::Full,
            time,
            base: None,
            host: b"barn".to_vec(),
            source: b"/etc".to_vec(),
            identity: "0123456789abcdef0123456789abcdef".parse().ok(),
            run: Some("a run".into()),
            previous_seal: None,
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
            let Some((told, lines)) = read::<Receipt>(&folder, time, ARRIVED).unwrap() else {
                assert_eq!(ends, 0);
                continue;
            };
            assert_eq!(told, SetHead { run: None, ..head.clone() });
            assert_eq!(lines, (0..4).map(line).take(ends - 1).collect::<Vec<_>>());
        }
        assert_eq!(Folder::parse_journal(path.file_name().unwrap().to_str().unwrap()), Some(time));
    }
}
