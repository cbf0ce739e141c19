//! The tree of a chain: all paths that its sets record, in a file without a name, so that memory does not
//! grow with it.
//!
//! Paths have numbers in their order, in which a directory comes right before what is below it. For each
//! there is a row, and a record of what the sets have at it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::{StoredSet, TreePath};
use failure::{Failure, OrFail, Status, TemporaryFile};
use local::{Folder, History};
use stream::member::LINK;

use crate::record::{Record, read_path};

/// Bytes of a row: where the record is, the number of the first path that is not below this one, the first
/// of its further names.
const ROW: u64 = 24;
/// Bytes of a link: the number of a further name of a file, and the next link of that file.
const LINK_ROW: u64 = 16;
/// Bytes that are read at once of a record.
const BUFFER: usize = 1024;

/// A tree that has been read.
pub(crate) struct Index {
    records: File,
    rows: File,
    links: File,
    count: u64,
    /// Where the next entry is likely to be looked up: programs ask in the order in which entries are listed.
    likely: AtomicU64,
}

/// A path of the tree.
pub(crate) struct Node {
    pub(crate) number: u64,
    /// The number of the first path that is not below this one.
    pub(crate) end: u64,
    /// The first link plus one, or 0.
    links: u64,
    pub(crate) record: Record,
}

struct Row {
    at: u64,
    end: u64,
    links: u64,
}

impl Index {
    /// Reads the signature files of a chain.
    pub(crate) fn build(folder: &Folder, sets: &[StoredSet]) -> Result<Index, Failure> {
        let mut history = folder.history(&sets.iter().collect::<Vec<_>>())?;
        let mut builder = Builder::new().or_fail(Status::Failed, TemporaryFile)?;
        while let Some(record) = next(&mut history)? {
            builder.add(&record).or_fail(Status::Failed, TemporaryFile)?;
        }
        builder.finish().or_fail(Status::Failed, TemporaryFile)
    }

    /// The path of that number.
    pub(crate) fn node(&self, number: u64) -> io::Result<Node> {
        let Row { at, end, links } = self.row(number)?;
        let record = Record::read(&mut self.record(at))?;
        Ok(Node { number, end, links, record })
    }

    /// The entry of that name in a directory.
    pub(crate) fn child(&self, above: &Node, name: &[u8]) -> io::Result<Option<Node>> {
        let path = above.record.path.child(name);
        let likely = self.likely.load(Ordering::Relaxed);
        let node = match (above.number + 1..above.end).contains(&likely) {
            true => Some(self.node(likely)?).filter(|node| node.record.path == path),
            false => None,
        };
        let node = match node {
            Some(node) => Some(node),
            None => self.find(&path, above.number + 1, above.end)?,
        };
        if let Some(node) = &node {
            self.likely.store(node.end, Ordering::Relaxed);
        }
        Ok(node)
    }

    /// The first of its paths from `from` on that is an entry of a directory, and not of one below it.
    pub(crate) fn next_child(&self, above: &Node, from: u64) -> io::Result<Option<Node>> {
        let depth = above.record.path.depth() + 1;
        let mut number = from.max(above.number + 1);
        while number < above.end {
            let node = self.node(number)?;
            if node.record.path.depth() == depth {
                return Ok(Some(node));
            }
            // Its directory is missing.
            number = node.end;
        }
        Ok(None)
    }

    /// A path of the whole tree.
    pub(crate) fn at(&self, path: &TreePath) -> io::Result<Option<Node>> {
        self.find(path, 0, self.count)
    }

    /// The further names of a file, in no order.
    pub(crate) fn further_names(&self, of: &Node, mut each: impl FnMut(&Node)) -> io::Result<()> {
        let mut link = of.links;
        while let Some(at) = link.checked_sub(1) {
            let mut row = [0; LINK_ROW as usize];
            self.links.read_exact_at(&mut row, at * LINK_ROW)?;
            each(&self.node(number(&row[..8]))?);
            link = number(&row[8..]);
        }
        Ok(())
    }

    fn find(&self, path: &TreePath, mut from: u64, mut end: u64) -> io::Result<Option<Node>> {
        while from < end {
            let middle = from + (end - from) / 2;
            let there = read_path(&mut self.record(self.row(middle)?.at))?;
            match there.cmp(path) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => end = middle,
                std::cmp::Ordering::Equal => return self.node(middle).map(Some),
            }
        }
        Ok(None)
    }

    fn row(&self, of: u64) -> io::Result<Row> {
        if of >= self.count {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut row = [0; ROW as usize];
        self.rows.read_exact_at(&mut row, of * ROW)?;
        Ok(Row { at: number(&row[..8]), end: number(&row[8..16]), links: number(&row[16..]) })
    }

    fn record(&self, at: u64) -> impl io::Read + '_ {
        BufReader::with_capacity(BUFFER, From { file: &self.records, at })
    }
}

/// What the sets record of the next path.
fn next(history: &mut History) -> Result<Option<Record>, Failure> {
    let Some((path, recorded)) = history.advance(|_| true)? else { return Ok(None) };
    let versions = recorded.into_iter().map(|(set, entry)| (set, entry.map(|entry| entry.member)));
    Ok(Some(Record { path, versions: versions.collect() }))
}

/// A file that is read from a place on.
pub(crate) struct From<'a> {
    pub(crate) file: &'a File,
    pub(crate) at: u64,
}

impl io::Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// A tree that is being read.
struct Builder {
    records: BufWriter<File>,
    at: u64,
    rows: File,
    count: u64,
    /// The last path, and the paths above it that are open: number, place of the record, length of the path.
    last: TreePath,
    open: Vec<(u64, u64, usize)>,
    /// The further names of files, each with the path of the first name.
    names: BufWriter<File>,
    named: u64,
}

impl Builder {
    fn new() -> io::Result<Builder> {
        Ok(Builder {
            records: BufWriter::new(tempfile::tempfile()?),
            at: 0,
            rows: tempfile::tempfile()?,
            count: 0,
            last: TreePath::root(),
            open: Vec::new(),
            names: BufWriter::new(tempfile::tempfile()?),
            named: 0,
        })
    }

    fn add(&mut self, record: &Record) -> io::Result<()> {
        self.close(Some(&record.path))?;
        self.open.push((self.count, self.at, record.path.as_bytes().len()));
        self.last = record.path.clone();
        for (_, member) in &record.versions {
            let first = member.as_ref().and_then(|member| member.annotations.bytes(LINK));
            if let Some(first) = first.and_then(|first| TreePath::parse(&first).ok()) {
                let name = Record { path: first, versions: vec![(self.count as usize, None)] };
                name.write(&mut self.names)?;
                self.named += 1;
            }
        }
        let mut bytes = Vec::new();
        record.write(&mut bytes)?;
        self.records.write_all(&bytes)?;
        self.at += bytes.len() as u64;
        self.count += 1;
        Ok(())
    }

    /// Writes the rows of the paths that `path` is not below; of all without one.
    fn close(&mut self, path: Option<&TreePath>) -> io::Result<()> {
        while let Some((of, at, length)) = self.open.last().copied() {
            let is_above = |path: &TreePath| {
                let above = &self.last.as_bytes()[..length];
                let rest = path.as_bytes().strip_prefix(above);
                rest.is_some_and(|rest| length == 0 || rest.first() == Some(&b'/'))
            };
            if path.is_some_and(is_above) {
                return Ok(());
            }
            let row = [at.to_le_bytes(), self.count.to_le_bytes(), 0_u64.to_le_bytes()].concat();
            self.rows.write_all_at(&row, of * ROW)?;
            self.open.pop();
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<Index> {
        self.close(None)?;
        let records = self.records.into_inner().map_err(io::IntoInnerError::into_error)?;
        let names = self.names.into_inner().map_err(io::IntoInnerError::into_error)?;
        let links = tempfile::tempfile()?;
        let index =
            Index { records, rows: self.rows, links, count: self.count, likely: AtomicU64::new(0) };
        index.link(&names, self.named)?;
        Ok(index)
    }
}

impl Index {
    /// Gives each file the list of its further names.
    fn link(&self, names: &File, count: u64) -> io::Result<()> {
        let mut names = BufReader::new(From { file: names, at: 0 });
        let mut made = 0;
        let mut last = None;
        for _ in 0..count {
            let Record { path, versions } = Record::read(&mut names)?;
            let Some((further, _)) = versions.first() else { continue };
            // Several sets may record the same name.
            if last.as_ref() == Some(&(path.clone(), *further)) {
                continue;
            }
            if let Some(first) = self.at(&path)? {
                let link = [(*further as u64).to_le_bytes(), first.links.to_le_bytes()].concat();
                self.links.write_all_at(&link, made * LINK_ROW)?;
                made += 1;
                self.rows.write_all_at(&made.to_le_bytes(), first.number * ROW + 16)?;
            }
            last = Some((path, *further));
        }
        Ok(())
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}
