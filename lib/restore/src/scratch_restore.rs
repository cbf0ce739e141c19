//! A restore among the temporary files, of which only the contents count: nobody else can get at it,
//! it needs no root, and it is deleted in the end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use archive::{Identity, Part, SetId, TreePath};
use failure::{Failure, OrFail, Status};
use local::Signatures;
use rustix::fs::{Mode, OFlags, openat};
use sha2::{Digest, Sha256};
use stream::member::{Kind, LINK, SHA256, SIZE};
use stream::{Attributes, Member, Totals};

use crate::cursor::Cursor;
use crate::entries::{Entries, Entry, Event};
use crate::metadata::Owners;
use crate::staging::Staging;
use crate::state::StateRecorder;
use crate::tree::{Tree, wrong};
use crate::{RestoreInput, nothing_restored};

/// A state among the temporary files, and what its sets record of its entries.
pub struct ScratchRestore {
    tree: Tree,
    /// Empty unless the state is inspected in the end.
    recorder: StateRecorder,
    purpose: Purpose,
    entries: Entries,
    path: TreePath,
    /// Deleted last.
    staging: Staging,
}

/// What a state is built for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To see whether it can be restored.
    Check,
    /// To see how much of it can be restored, past damage.
    Rescue,
    /// To compare it with a source, entry by entry.
    Compare,
    /// To read it all.
    Read,
}

impl ScratchRestore {
    /// Builds the state that a stream restores, in a folder in TMPDIR.
    ///
    /// # Errors
    /// As those of a restore.
    pub fn build(input: RestoreInput, purpose: Purpose) -> Result<ScratchRestore, Failure> {
        let staging = Staging::temporary()?;
        let keep_going = purpose == Purpose::Rescue;
        let path = input.path().clone();
        let recorder = StateRecorder::new(staging.scratch()?);
        let scratch = keep_going.then(|| staging.scratch()).transpose()?;
        let (mut entries, part) = input.entries(scratch);
        let tree = Tree::new(staging.open()?, part, keep_going, Owners::kept())?;
        if purpose == Purpose::Read {
            entries = entries.noting_origin();
        }
        let mut restore = ScratchRestore { tree, recorder, purpose, entries, path, staging };
        while let Some(event) = restore.entries.advance()? {
            restore.take(event)?;
        }
        Ok(restore)
    }

    /// The identity of the backup, if a seal names it. Of a state that is built to be read.
    pub fn identity(&self) -> Option<Identity> {
        self.entries.identity()
    }

    /// The host and the source of the last set, if its manifest names them. Of a state that is built
    /// to be read.
    pub fn origin(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.entries.origin()
    }

    /// What the stages before have counted.
    pub fn totals(&self) -> Totals {
        self.entries.totals()
    }

    /// Finishes the tree and deletes it. Returns the records of its state, and the totals of the
    /// stream.
    ///
    /// # Errors
    /// Status 5 if all was lost, 10 if the path is not in the backup.
    pub fn finish(self) -> Result<(StateRecorder, Totals), Failure> {
        let (degraded, lost) = self.tree.finish()?;
        let totals = self.entries.totals();
        let lost = totals.lost + lost;
        if !self.staging.has_tree()? {
            return Err(nothing_restored(Path::new("standard input"), &self.path, lost));
        }
        Ok((self.recorder, Totals { unreadable: degraded, lost, ..totals }))
    }

    /// The state, and the tree to read its files from.
    ///
    /// # Errors
    /// Status 10 if there is no tree.
    pub fn read(self) -> Result<(Signatures, ScratchTree), Failure> {
        let (_, state, tree) = self.read_twice()?;
        Ok((state, tree))
    }

    /// The state twice, to go through it two times, and the tree.
    ///
    /// # Errors
    /// Status 10 if there is no tree.
    pub fn read_twice(mut self) -> Result<(Signatures, Signatures, ScratchTree), Failure> {
        self.tree.cursor.finish()?;
        self.tree.finish_selection()?;
        if !self.staging.has_tree()? {
            return Err(nothing_restored(Path::new("standard input"), &self.path, 0));
        }
        let (first, second) = (self.recorder.so_far()?, self.recorder.state()?);
        Ok((first, second, ScratchTree { tree: self.tree, _staging: self.staging }))
    }

    fn take(&mut self, event: Event) -> Result<(), Failure> {
        let entry = match event {
            Event::Entry(entry) if self.purpose != Purpose::Rescue => entry,
            // Past damage, nothing is inspected but the tree.
            Event::Entry(entry) => {
                return self.tree.take(Event::Entry(harmless(entry)), &mut self.entries);
            }
            loss @ Event::Loss(_) => return self.tree.take(loss, &mut self.entries),
        };
        let is_selected = self.tree.selects(&entry)?;
        // To read the body can lead into the next set.
        let (set, is_newest) = self.entries.set();
        let (part, path, mut member) =
            (entry.name.part, entry.name.path.clone(), entry.member.clone());
        self.tree.take(Event::Entry(harmless(entry)), &mut self.entries)?;
        if self.tree.skipped.holds(&path) {
            return Ok(());
        }
        let Some((path, set)) = path.strip_prefix(&self.tree.wanted).zip(set) else {
            return Ok(());
        };
        if !is_selected {
            // Of another kind it may have been there before.
            return self.record(set, (Part::Deleted, &path), member);
        }
        if member.kind == Kind::File && part != Part::Deleted {
            member.annotations.extend(self.entries.annotations());
            self.content(&path, &mut member, is_newest)?;
        }
        self.record(set, (part, &path), member)
    }

    /// Records an entry of a set, if the state is inspected in the end.
    fn record(
        &mut self,
        set: SetId,
        (part, path): (Part, &TreePath),
        mut member: Member,
    ) -> Result<(), Failure> {
        match self.purpose {
            Purpose::Check | Purpose::Rescue => return Ok(()),
            // They are compared by their hash, which is among the annotations.
            Purpose::Compare => member.attributes = Attributes::default(),
            Purpose::Read => self.recorder.inherit(set, (part, path), &mut member)?,
        }
        self.recorder.add(set, (part, path), &member)
    }

    /// Completes what is known of a file. Nothing builds on the newest set: unless they are to be read,
    /// its contents are deleted at once.
    fn content(
        &mut self,
        path: &TreePath,
        member: &mut Member,
        is_newest: bool,
    ) -> Result<(), Failure> {
        if self.purpose == Purpose::Read {
            return Ok(());
        }
        let Some(mut file) = open(&mut self.tree.cursor, path, OFlags::RDWR)? else {
            return Ok(());
        };
        if self.purpose == Purpose::Compare && member.annotations.get(SHA256).is_none() {
            let (hash, size) = measure(&mut file).or_fail(Status::Failed, path)?;
            member.annotations.set(SHA256, hash);
            member.annotations.set(SIZE, size);
        }
        if is_newest { file.set_len(0).or_fail(Status::Failed, path) } else { Ok(()) }
    }
}

/// Opens a file of the tree; none where its directory is gone.
fn open(cursor: &mut Cursor, path: &TreePath, how: OFlags) -> Result<Option<File>, Failure> {
    let Some((parent, name)) = cursor.parent(path)? else {
        return Ok(None);
    };
    let flags = how | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(parent, name, flags, Mode::empty()).or_fail(Status::Failed, path)?;
    Ok(Some(file.into()))
}

/// The tree of a state that is read. It is deleted when this is dropped.
pub struct ScratchTree {
    tree: Tree,
    _staging: Staging,
}

impl ScratchTree {
    /// Opens a file of the tree to read it.
    ///
    /// # Errors
    /// Its directory is gone, or it can't be opened.
    pub fn open(&mut self, path: &TreePath) -> Result<File, Failure> {
        let file = open(&mut self.tree.cursor, path, OFlags::RDONLY)?;
        file.ok_or_else(|| wrong(path, "its directory is not in the backup"))
    }

    /// Whether a directory is in the tree: it may have been left out, since nothing in it was selected.
    pub fn has_directory(&self, path: &TreePath) -> bool {
        self.tree.cursor.find_directory(path).is_some()
    }

    /// Warns of each entry that was skipped. Returns how many there are.
    pub fn report_skipped(&self) -> u64 {
        self.tree.skipped.report()
    }
}

/// Checks that a state can be restored; with `keep_going`, how much of it. Nothing is kept.
///
/// # Errors
/// As those of a restore.
pub fn check(input: RestoreInput) -> Result<Totals, Failure> {
    let purpose = if input.keep_going { Purpose::Rescue } else { Purpose::Check };
    let (_, totals) = ScratchRestore::build(input, purpose)?.finish()?;
    Ok(totals)
}

/// An entry that anybody can make and read, and that nobody can run into: no owner, no devices,
/// and no second name, which would share its content.
fn harmless(entry: Entry) -> Entry {
    let Entry { name, mut member } = entry;
    member.mode = if member.kind == Kind::Directory { 0o700 } else { 0o600 };
    member.attributes = Attributes::default();
    member.annotations.remove(LINK);
    if member.kind == Kind::Fifo || member.kind.is_device() {
        (member.kind, member.link) = (Kind::Symlink, b"special".to_vec());
    }
    Entry { name, member }
}

/// The SHA-256 of a file in hex, and its size in bytes: duplicity records neither.
fn measure(file: &mut File) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; stream::pipe::BUFFER];
    let mut size = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((format!("{:x}", hash.finalize()), size));
        }
        hash.update(&buffer[..n]);
        size += n as u64;
    }
}
