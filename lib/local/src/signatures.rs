//! The signature tars of a chain, merged into the one state that they add up to.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Read;

use archive::{EntryName, Part, TreePath};
use failure::{Failure, OrFail, Status};
use stream::member::XATTRS;
use stream::{Member, Next, TarReader};

use crate::EntryRecord;

/// The largest signature that is loaded, which is that of a file of about 100 TiB.
const LARGEST: u64 = 256 << 20;

/// All entries of a state in index order, one at a time. For one path the newest set counts.
pub struct Signatures {
    sources: Vec<Source>,
    /// The next path of each source; the smallest path first, of equal ones the newest set.
    next: BinaryHeap<Reverse<(TreePath, Reverse<usize>)>>,
    /// The last deleted path that is too long for a new set, and the source that deletes it: it
    /// speaks for all that older sources have below it.
    gone: Option<(TreePath, usize)>,
    /// The source of the current entry.
    current: usize,
    known: Option<EntryRecord>,
    /// The sources that mention the path of the current entry.
    mentions: Vec<usize>,
    /// Whether an older one of them records extended attributes.
    has_older_attributes: bool,
}

/// The signature tar of one set.
pub(crate) struct Source {
    which: String,
    tar: TarReader<Box<dyn Read + Send>>,
    entry: Option<(EntryName, Member)>,
}

impl Signatures {
    /// Merges tars, the oldest first; each comes with the name that errors call it.
    pub fn merge(
        tars: impl IntoIterator<Item = (String, Box<dyn Read + Send>)>,
    ) -> Result<Signatures, Failure> {
        let sources = tars.into_iter().map(|(which, tar)| Source::new(which, tar)).collect();
        let next = BinaryHeap::new();
        let mut merged = Signatures {
            sources,
            next,
            gone: None,
            current: 0,
            known: None,
            mentions: Vec::new(),
            has_older_attributes: false,
        };
        for index in 0..merged.sources.len() {
            merged.pull(index)?;
        }
        merged.find()?;
        Ok(merged)
    }

    /// The current entry, or `None` at the end.
    pub fn peek(&self) -> Option<&EntryRecord> {
        self.known.as_ref()
    }

    /// The numbers of the sets that mention the path of the current entry, the newest first. The oldest
    /// set is 0.
    pub fn mentions(&self) -> &[usize] {
        &self.mentions
    }

    /// Whether a set before the newest one that has the current entry records extended attributes of it.
    pub fn has_older_attributes(&self) -> bool {
        self.has_older_attributes
    }

    /// The signature of the current entry. It can be taken once.
    pub fn signature(&mut self) -> Result<Vec<u8>, Failure> {
        let source = &mut self.sources[self.current];
        source.tar.body(LARGEST).or_fail(Status::Integrity, &source.which)
    }

    /// Goes on to the next entry.
    pub fn advance(&mut self) -> Result<(), Failure> {
        self.take().map(drop)
    }

    /// The current entry. Advances to the next one.
    pub fn take(&mut self) -> Result<Option<EntryRecord>, Failure> {
        let known = self.known.take();
        if known.is_some() {
            self.pull(self.current)?;
        }
        self.find()?;
        Ok(known)
    }

    /// Advances to `path`. Returns whether the state has it.
    pub fn seek(&mut self, path: &TreePath) -> Result<bool, Failure> {
        while self.peek().is_some_and(|known| known.path < *path) {
            self.advance()?;
        }
        Ok(self.peek().is_some_and(|known| known.path == *path))
    }

    /// Makes the smallest path the current one, and skips deleted paths.
    fn find(&mut self) -> Result<(), Failure> {
        while let Some(Reverse((path, Reverse(index)))) = self.next.pop() {
            self.mentions.clear();
            self.mentions.push(index);
            self.has_older_attributes = false;
            self.drop_older(&path)?;
            let Some((name, member)) = self.sources[index].entry.take() else {
                continue;
            };
            if name.part == Part::Deleted {
                if !path.fits() && !self.is_gone(&path, index) {
                    self.gone = Some((path, index));
                }
            } else if !self.is_gone(&path, index) {
                self.current = index;
                self.known = Some(EntryRecord::new(path, name.part, member));
                return Ok(());
            }
            self.pull(index)?;
        }
        Ok(())
    }

    /// Whether an entry was deleted with a directory above it.
    fn is_gone(&self, path: &TreePath, index: usize) -> bool {
        let newer = self.gone.as_ref().filter(|(_, by)| *by > index);
        newer.is_some_and(|(gone, _)| path.starts_with(gone))
    }

    /// Skips the records of older sets for a path.
    fn drop_older(&mut self, path: &TreePath) -> Result<(), Failure> {
        while let Some(Reverse((next, Reverse(index)))) = self.next.peek() {
            if next != path {
                break;
            }
            let index = *index;
            self.next.pop();
            self.mentions.push(index);
            let older = &self.sources[index].entry;
            self.has_older_attributes |=
                older.as_ref().is_some_and(|(_, member)| member.annotations.get(XATTRS).is_some());
            self.pull(index)?;
        }
        Ok(())
    }

    /// Moves a source on to its next entry.
    fn pull(&mut self, index: usize) -> Result<(), Failure> {
        let source = &mut self.sources[index];
        let Some((name, member)) = source.advance()? else {
            return Ok(());
        };
        self.next.push(Reverse((name.path.clone(), Reverse(index))));
        source.entry = Some((name, member));
        Ok(())
    }
}

impl Source {
    pub(crate) fn new(which: String, tar: Box<dyn Read + Send>) -> Source {
        Source { which, tar: TarReader::new(tar), entry: None }
    }

    /// The next entry, or `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<(EntryName, Member)>, Failure> {
        let broken = |why: &str| Failure::of(Status::Integrity, &self.which, why);
        match self.tar.advance().or_fail(Status::Integrity, &self.which)? {
            Next::Zeros => Ok(None),
            Next::Nothing => Err(broken("ends without an end mark")),
            Next::Member(member) => {
                let name = EntryName::parse(&member.name).map_err(|e| broken(&e.to_string()))?;
                if name.part == Part::Diff {
                    return Err(broken(&format!("{}: a delta among signatures", name.path)));
                }
                Ok(Some((name, *member)))
            }
        }
    }
}
