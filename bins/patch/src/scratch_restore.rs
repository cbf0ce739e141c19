//! A restore among the temporary files, of which only the contents count: nobody else can get at it,
//! it needs no root, and it is deleted in the end.

use std::fs::File;
use std::io::{self, Read};

use archive::{Part, SetId, TreePath};
use failure::{Failure, OrFail, Status};
use rustix::fs::{Mode, OFlags, openat};
use sha2::{Digest, Sha256};
use stream::member::{Kind, LINK, SHA256, SIZE};
use stream::{Attributes, Member, Totals, Wanted};

use crate::compare::{SourceTree, What, compare};
use crate::cursor::Cursor;
use crate::entries::{Entries, Entry, Event};
use crate::metadata::Owners;
use crate::staging::Staging;
use crate::state::StateRecorder;
use crate::tree::Tree;
use crate::{Input, Patch};

/// The tree, and what the sets say of its entries.
pub(crate) struct ScratchRestore {
    pub(crate) tree: Tree,
    /// Empty unless it is looked at in the end.
    pub(crate) recorder: StateRecorder,
    purpose: Purpose,
}

/// What it is built for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To see whether that can be done.
    Check,
    /// To see how much of it can be done, past damage.
    Rescue,
    /// To compare it with a source, entry by entry.
    Compare,
    /// To read it all.
    Read,
}

impl ScratchRestore {
    /// An empty tree in that folder.
    pub(crate) fn new(
        staging: &Staging,
        wanted: &TreePath,
        purpose: Purpose,
    ) -> Result<ScratchRestore, Failure> {
        let keep_going = purpose == Purpose::Rescue;
        let tree = Tree::new(staging.open()?, wanted.clone(), keep_going, Owners::kept());
        Ok(ScratchRestore { tree, recorder: StateRecorder::new(staging.scratch()?), purpose })
    }

    /// Takes all that comes.
    pub(crate) fn take_all(&mut self, entries: &mut Entries) -> Result<(), Failure> {
        while let Some(event) = entries.advance()? {
            self.take(event, entries)?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event, body: &mut Entries) -> Result<(), Failure> {
        let entry = match event {
            Event::Entry(entry) if self.purpose != Purpose::Rescue => entry,
            // Of what goes on past damage nothing but the tree is looked at.
            Event::Entry(entry) => return self.tree.take(Event::Entry(harmless(entry)), body),
            loss @ Event::Loss(_) => return self.tree.take(loss, body),
        };
        // To read the body can lead into the next set.
        let (set, is_newest) = body.set();
        let (part, path, mut member) =
            (entry.name.part, entry.name.path.clone(), entry.member.clone());
        self.tree.take(Event::Entry(harmless(entry)), body)?;
        if self.tree.skipped.holds(&path) {
            return Ok(());
        }
        let Some((path, set)) = path.strip_prefix(&self.tree.wanted).zip(set) else {
            return Ok(());
        };
        if member.kind == Kind::File && part != Part::Deleted {
            member.facts.extend(body.facts());
            self.content(&path, &mut member, is_newest)?;
        }
        self.note(set, (part, &path), member)
    }

    /// Notes what a set says of an entry.
    fn note(
        &mut self,
        set: SetId,
        (part, path): (Part, &TreePath),
        mut member: Member,
    ) -> Result<(), Failure> {
        match self.purpose {
            Purpose::Check | Purpose::Rescue => return Ok(()),
            // A hash among the facts stands for them.
            Purpose::Compare => member.attributes = Attributes::default(),
            Purpose::Read => self.recorder.inherit(set, (part, path), &mut member)?,
        }
        self.recorder.add(set, (part, path), &member)
    }

    /// Completes what is known of a file. Nothing builds on the newest set: unless somebody is
    /// going to read them, its contents go at once.
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
        if self.purpose == Purpose::Compare && member.facts.get(SHA256).is_none() {
            let (hash, size) = measure(&mut file).or_fail(Status::Failed, path)?;
            member.facts.set(SHA256, hash);
            member.facts.set(SIZE, size);
        }
        if is_newest { file.set_len(0).or_fail(Status::Failed, path) } else { Ok(()) }
    }
}

/// Opens a file of the tree; none where its directory is gone.
pub(crate) fn open(
    cursor: &mut Cursor,
    path: &TreePath,
    how: OFlags,
) -> Result<Option<File>, Failure> {
    let Some((parent, name)) = cursor.parent(path)? else {
        return Ok(None);
    };
    let flags = how | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(parent, name, flags, Mode::empty()).or_fail(Status::Failed, path)?;
    Ok(Some(file.into()))
}

/// An entry that anybody can make and read, and that nobody can run into: no owner, no devices,
/// and no second name, which would share its content.
fn harmless(entry: Entry) -> Entry {
    let Entry { name, mut member } = entry;
    member.mode = if member.kind == Kind::Directory { 0o700 } else { 0o600 };
    member.attributes = Attributes::default();
    member.facts.remove(LINK);
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

/// Builds the wanted state among the temporary files, and compares it if that is asked for.
pub(crate) fn run(
    arguments: &Patch,
    input: Input,
    wanted: &Wanted,
    path: &TreePath,
) -> Result<Totals, Failure> {
    arguments.check_start(wanted)?;
    // What the stage that reads the source has to say comes before all the work.
    let source = arguments.compare.as_deref().map(SourceTree::open).transpose()?;
    let staging = Staging::temporary()?;
    let keep_going = arguments.keep_going;
    let purpose = match () {
        () if source.is_some() => Purpose::Compare,
        () if keep_going => Purpose::Rescue,
        () => Purpose::Check,
    };
    let mut restore = ScratchRestore::new(&staging, path, purpose)?;
    let scratch = keep_going.then(|| staging.scratch()).transpose()?;
    let mut entries = Entries::new(input, wanted, scratch);
    restore.take_all(&mut entries)?;
    let (degraded, lost) = restore.tree.finish()?;
    let totals = entries.totals();
    let lost = totals.lost + lost;
    if !staging.has_tree()? {
        return Err(arguments.nothing(path, lost));
    }
    let what = if arguments.unchanged { What::Unchanged(path.clone()) } else { What::All };
    let differences = match source {
        Some(source) => compare(restore.recorder.state()?, source, &what)?,
        None => 0,
    };
    Ok(Totals { unreadable: degraded + differences, lost, ..totals })
}
