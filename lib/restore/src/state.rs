//! The state that sets add up to. The entries of each set are recorded as a signature tar, and these
//! are merged as those of an archive directory are.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;

use archive::{EntryName, Part, SetId, TreePath};
use failure::{Failure, OrFail, Status, shown};
use local::Signatures;
use stream::member::{Kind, XATTRS};
use stream::{Member, TarWriter};

use crate::staging::Scratch;

/// Records of the entries of all sets, in files without names.
pub struct StateRecorder {
    scratch: Scratch,
    sets: Vec<(SetId, File)>,
    open: Option<TarWriter<BufWriter<File>>>,
    /// What the sets before the last one add up to, once somebody has asked for it.
    before: Option<Signatures>,
}

impl StateRecorder {
    /// An empty one, which makes its files there.
    pub(crate) fn new(scratch: Scratch) -> StateRecorder {
        StateRecorder { scratch, sets: Vec::new(), open: None, before: None }
    }

    /// Takes an entry, which is the last one of that set so far. Of a file that is compared it has
    /// to tell size and hash.
    pub(crate) fn add(
        &mut self,
        set: SetId,
        (part, path): (Part, &TreePath),
        member: &Member,
    ) -> Result<(), Failure> {
        self.enter(set)?;
        let part = match (part, member.kind) {
            (Part::Deleted, _) => Part::Deleted,
            (_, Kind::File) => Part::Signature,
            _ => Part::Snapshot,
        };
        let name = EntryName { part, path: path.clone(), piece: None };
        let name = name.encode_for_sigtar(member.kind == Kind::Directory);
        let member = Member { name, ..member.clone() };
        let Some(tar) = &mut self.open else { return Ok(()) };
        tar.append(&member, &[]).or_fail(Status::Failed, shown(&self.scratch.path()))
    }

    /// Completes an entry, which is the next one of that set: where a set does not tell attributes,
    /// a directory and what a delta is applied to have kept those of the sets before.
    pub(crate) fn inherit(
        &mut self,
        set: SetId,
        (part, path): (Part, &TreePath),
        member: &mut Member,
    ) -> Result<(), Failure> {
        let keeps =
            part == Part::Diff || (part == Part::Snapshot && member.kind == Kind::Directory);
        if !keeps || member.knows_attributes() {
            return Ok(());
        }
        self.enter(set)?;
        if self.before.is_none() {
            self.before = Some(merged(&self.sets[..self.sets.len() - 1])?);
        }
        let Some(before) = &mut self.before else { return Ok(()) };
        let there = before.seek(path)?;
        let known = before.peek().map(|known| &known.member);
        let same = |known: &&Member| known.kind == member.kind && known.knows_attributes();
        if let Some(known) = known.filter(|_| there).filter(same) {
            member.attributes = known.attributes.clone();
            known.annotations.get(XATTRS).inspect(|fact| member.annotations.set(XATTRS, *fact));
        }
        Ok(())
    }

    /// The state that the sets add up to.
    ///
    /// # Errors
    /// A record can't be written or read.
    pub fn state(mut self) -> Result<Signatures, Failure> {
        self.so_far()
    }

    /// The state that the sets so far add up to. Nothing is recorded of the last one afterwards.
    pub(crate) fn so_far(&mut self) -> Result<Signatures, Failure> {
        self.end()?;
        merged(&self.sets)
    }

    /// Makes a set the last one.
    fn enter(&mut self, set: SetId) -> Result<(), Failure> {
        if self.sets.last().is_some_and(|(last, _)| *last == set) {
            return Ok(());
        }
        self.end()?;
        self.before = None;
        let file = self.scratch.file()?;
        let writer = file.try_clone().or_fail(Status::Failed, shown(&self.scratch.path()))?;
        self.open = Some(TarWriter::new(BufWriter::new(writer)));
        self.sets.push((set, file));
        Ok(())
    }

    /// Ends the record of the last set.
    fn end(&mut self) -> Result<(), Failure> {
        let Some(mut tar) = self.open.take() else { return Ok(()) };
        let ended = tar.end(false).and_then(|()| tar.get_mut().flush());
        ended.or_fail(Status::Failed, shown(&self.scratch.path()))
    }
}

/// The state that sets add up to, each of which is ended.
fn merged(sets: &[(SetId, File)]) -> Result<Signatures, Failure> {
    let tars = sets.iter().map(|(set, file)| {
        let file = file.try_clone().or_fail(Status::Failed, set)?;
        let tar: Box<dyn Read + Send> = Box::new(BufReader::new(FromStart::new(file)));
        Ok((set.to_string(), tar))
    });
    Signatures::merge(tars.collect::<Result<Vec<_>, Failure>>()?)
}

/// A file that is read from its start, wherever other handles of it are.
pub(crate) struct FromStart {
    file: File,
    at: u64,
}

impl FromStart {
    pub(crate) fn new(file: File) -> FromStart {
        FromStart { file, at: 0 }
    }
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
