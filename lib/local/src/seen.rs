//! Files whose inode has changed since they were stored, but not their content.
//!
//! The signatures of a chain keep the inode data of the day on which a file was stored. A file that
//! was only moved to another disk, linked, or given back its mode would be read again on every run.
//! So the archive directory has one more file, with the inodes and contents that were seen. Only
//! the next scan reads it. Each record stays true whatever sets are made or deleted later. So the
//! file may be lost, or older than the chain: then files are read once more.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use archive::TreePath;
use failure::{Failure, OrFail, Status, shown};
use flate2::Compression;
use flate2::write::GzEncoder;
use igzip::Inflate;
use stream::Member;
use stream::member::{CTIME, INODE, RECENT, SHA256};

use crate::{EntryRecord, Folder};

/// The file, and its name until it is complete.
const NAME: &str = ".moobacker.seen";
const PART: &str = ".moobacker.seen.part";
/// The first record: the version of the form.
const START: &[u8] = b"moobacker seen 1";
/// How much is read of a record: more than one may have.
const LONGEST: u64 = 1 << 20;
/// The digits of the SHA-256 that identify a content.
const DIGITS: usize = 32;

/// The records of the last scan, read in the order of their paths.
pub struct SeenBefore {
    records: Option<Box<dyn BufRead + Send>>,
    next: Option<Record>,
}

struct Record {
    path: TreePath,
    content: String,
    ctime: String,
    inode: String,
}

impl SeenBefore {
    /// The records in an archive directory, or `None` if the file is missing or of another version.
    pub fn open(folder: &Folder) -> SeenBefore {
        let records = File::open(folder.path(NAME)).ok().map(|file| {
            let unpacked = Inflate::gzip(BufReader::new(file));
            Box::new(BufReader::new(unpacked)) as Box<dyn BufRead + Send>
        });
        let mut seen = SeenBefore { records, next: None };
        if seen.line().is_none_or(|line| line != START) {
            seen.records = None;
        }
        seen.advance();
        seen
    }

    /// Sets the inode data of an entry to the data that it was last seen with, if its content is
    /// equal. Entries have to come in the order of their paths. Returns whether it did so.
    pub fn update(&mut self, known: &mut EntryRecord) -> bool {
        while self.next.as_ref().is_some_and(|record| record.path < known.path) {
            self.advance();
        }
        let Some(record) = self.next.as_ref().filter(|record| record.path == known.path) else {
            return false;
        };
        if content(&known.member) != Some(&record.content) {
            return false;
        }
        known.member.annotations.set(CTIME, &record.ctime);
        known.member.annotations.set(INODE, &record.inode);
        known.member.annotations.remove(RECENT);
        true
    }

    /// Goes on to the next record. At the first that is damaged or out of order it ends.
    fn advance(&mut self) {
        let last = self.next.take();
        let record = self.line().and_then(|line| Record::parse(&line));
        self.next = record.filter(|next| last.is_none_or(|last| last.path < next.path));
        if self.next.is_none() {
            self.records = None;
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.records.as_mut()?.take(LONGEST).read_until(0, &mut line).ok()?;
        (line.pop() == Some(0)).then_some(line)
    }
}

impl Record {
    fn parse(line: &[u8]) -> Option<Record> {
        let mut words = line.splitn(4, |byte| *byte == b' ');
        let mut word = || String::from_utf8(words.next()?.to_vec()).ok();
        let (content, ctime, inode) = (word()?, word()?, word()?);
        let path = TreePath::parse(words.next()?).ok()?;
        Some(Record { path, content, ctime, inode })
    }
}

/// The identifier of a file's content, or `None` if the last backup recorded no SHA-256.
fn content(member: &Member) -> Option<&str> {
    member.annotations.get(SHA256)?.get(..DIGITS)
}

/// The records of this scan, for the next one. They replace those of the last scan at the end.
pub struct SeenNow {
    folder: Folder,
    to: Option<BufWriter<GzEncoder<File>>>,
}

impl SeenNow {
    /// Records for an archive directory. No file is made before the first record comes.
    pub fn new(folder: Folder) -> SeenNow {
        SeenNow { folder, to: None }
    }

    /// Records that the file `known` of the last backup still has its content, and now has the
    /// inode data of `now`. Paths have to come in order.
    ///
    /// # Errors
    /// The archive directory cannot be written.
    pub fn record(&mut self, known: &EntryRecord, now: &Member) -> Result<(), Failure> {
        let (facts, content) = (&now.annotations, content(&known.member));
        let (Some(content), Some(ctime), Some(inode)) =
            (content, facts.get(CTIME), facts.get(INODE))
        else {
            return Ok(());
        };
        let head = format!("{content} {ctime} {inode} ");
        let to = match &mut self.to {
            Some(to) => to,
            None => self.to.insert(start(&self.folder)?),
        };
        let parts = [head.as_bytes(), known.path.as_bytes(), b"\0"];
        let written = parts.into_iter().try_for_each(|part| to.write_all(part));
        written.or_fail(Status::Failed, shown(&self.folder.path(PART)))
    }

    /// Replaces the records of the last scan.
    ///
    /// # Errors
    /// The archive directory cannot be written.
    pub fn finish(mut self) -> Result<(), Failure> {
        let (name, part) = (self.folder.path(NAME), self.folder.path(PART));
        let done = match self.to.take() {
            None => removed(fs::remove_file(&name)),
            Some(to) => end(to).and_then(|()| fs::rename(&part, &name)),
        };
        done.or_fail(Status::Failed, shown(&name))
    }
}

/// A scan that failed leaves the records of the last one.
impl Drop for SeenNow {
    fn drop(&mut self) {
        if self.to.take().is_some() {
            let _ = fs::remove_file(self.folder.path(PART));
        }
    }
}

fn start(folder: &Folder) -> Result<BufWriter<GzEncoder<File>>, Failure> {
    let file = folder.unfinished(PART, 0)?;
    let mut to = BufWriter::new(GzEncoder::new(file, Compression::fast()));
    let begun = to.write_all(START).and_then(|()| to.write_all(&[0]));
    begun.or_fail(Status::Failed, shown(&folder.path(PART)))?;
    Ok(to)
}

fn end(to: BufWriter<GzEncoder<File>>) -> io::Result<()> {
    to.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?.sync_all()
}

fn removed(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::Part;

    fn known(path: &str, sha256: &str, ctime: &str) -> EntryRecord {
        let mut member = Member::default();
        member.annotations.set(SHA256, sha256.repeat(64));
        member.annotations.set(CTIME, ctime);
        member.annotations.set(INODE, 7);
        member.annotations.set(RECENT, 1);
        EntryRecord::new(TreePath::parse(path.as_bytes()).unwrap(), Part::Signature, member)
    }

    #[test]
    fn a_file_gets_the_inode_data_that_it_was_seen_with_while_it_has_that_content() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        let mut now = SeenNow::new(folder.clone());
        for path in ["a", "a/b c\n", "a-b"] {
            let seen = known(path, "a", "5.25");
            now.record(&seen, &seen.member).unwrap();
        }
        now.finish().unwrap();
        let mut before = SeenBefore::open(&folder);
        for (path, sha256, is_seen) in
            [("a", "b", false), ("a/a", "a", false), ("a/b c\n", "a", true), ("a-b", "a", true)]
        {
            let mut known = known(path, sha256, "1");
            assert_eq!(before.update(&mut known), is_seen, "{path}");
            let ctime = known.member.annotations.get(CTIME).unwrap().to_owned();
            assert_eq!(ctime, if is_seen { "5.25" } else { "1" });
            assert_eq!(known.member.annotations.get(RECENT).is_none(), is_seen);
        }
        SeenNow::new(folder.clone()).finish().unwrap();
        assert!(!SeenBefore::open(&folder).update(&mut known("a", "a", "1")));
    }

    #[test]
    fn a_damaged_file_says_nothing_from_the_damage_on() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::create(place.path()).unwrap();
        let mut now = SeenNow::new(folder.clone());
        let seen = known("a", "a", "5");
        now.record(&seen, &seen.member).unwrap();
        now.finish().unwrap();
        let whole = fs::read(folder.path(NAME)).unwrap();
        for length in [0, 5, whole.len() / 2] {
            fs::write(folder.path(NAME), &whole[..length]).unwrap();
            let mut state = known("a", "a", "1");
            assert!(!SeenBefore::open(&folder).update(&mut state), "{length}");
        }
    }
}
