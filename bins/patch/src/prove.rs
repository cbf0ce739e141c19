//! A restore that delivers nothing: it shows that a state can be brought back, and what it is.

use std::fs::File;
use std::io::{self, Read};

use archive::{Part, TreePath};
use rustix::fs::{Mode, OFlags, openat};
use sha2::{Digest, Sha256};
use stream::member::{Kind, LINK, SHA256};
use stream::{Attributes, Failure, Member, OrFail, Status, Totals, Wanted};

use crate::apply::Tree;
use crate::compare::compare;
use crate::entries::{Entries, Entry, Event};
use crate::ledger::Ledger;
use crate::owners::Owners;
use crate::source::Source;
use crate::staging::Staging;
use crate::{Input, Patch};

/// Builds the wanted state among the temporary files, and compares it if that is asked for.
pub(crate) fn prove(
    arguments: &Patch,
    input: Input,
    wanted: &Wanted,
    path: &TreePath,
) -> Result<Totals, Failure> {
    arguments.check_start(wanted)?;
    // What the stage that reads the source has to say comes before all the work.
    let source = arguments.compare.as_deref().map(Source::open).transpose()?;
    let staging = Staging::temporary()?;
    let keep_going = arguments.keep_going;
    let tree = Tree::new(staging.open()?, path.clone(), keep_going, Owners::left());
    let folder = staging.path().to_owned();
    let mut entries = Entries::new(input, wanted, keep_going.then(|| folder.clone()));
    let ledger = source.as_ref().map(|_| Ledger::new(folder));
    let mut proof = Proof { tree, ledger, keep_going };
    while let Some(event) = entries.advance()? {
        proof.take(event, &mut entries)?;
    }
    let (degraded, lost) = proof.tree.finish()?;
    let totals = entries.totals();
    let lost = totals.lost + lost;
    if !staging.has_tree() {
        return Err(arguments.nothing(path, lost));
    }
    let differences = match (source, proof.ledger) {
        (Some(source), Some(ledger)) => compare(ledger.state()?, source)?,
        _ => 0,
    };
    Ok(Totals { unreadable: degraded + differences, lost, ..totals })
}

/// A tree of which only the contents count.
struct Proof {
    tree: Tree,
    ledger: Option<Ledger>,
    keep_going: bool,
}

impl Proof {
    fn take(&mut self, event: Event, body: &mut Entries) -> Result<(), Failure> {
        let Event::Entry(entry) = event else {
            return self.tree.take(event, body);
        };
        // To read the body can lead into the next set.
        let (set, is_newest) = body.set();
        let (part, path, mut member) =
            (entry.name.part, entry.name.path.clone(), entry.member.clone());
        self.tree.take(Event::Entry(harmless(entry)), body)?;
        let path = path.strip_prefix(&self.tree.wanted);
        // Of what goes on past damage nothing but the tree is looked at.
        let Some(path) = path.filter(|_| !self.keep_going) else {
            return Ok(());
        };
        if member.kind == Kind::File && part != Part::Deleted {
            member.facts.extend(body.facts());
            self.content(&path, &mut member, is_newest)?;
        }
        match (&mut self.ledger, set) {
            (Some(ledger), Some(set)) => ledger.add(set, (part, &path), &member),
            _ => Ok(()),
        }
    }

    /// Completes what is known of a file. Nothing builds on the newest set: its contents go at
    /// once.
    fn content(
        &mut self,
        path: &TreePath,
        member: &mut Member,
        is_newest: bool,
    ) -> Result<(), Failure> {
        let Some((parent, name)) = self.tree.cursor.parent(path)? else {
            return Ok(());
        };
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(parent, name, flags, Mode::empty()).or_fail(Status::Failed, path)?;
        let mut file = File::from(file);
        if self.ledger.is_some() && member.facts.get(SHA256).is_none() {
            member.facts.set(SHA256, hash(&mut file).or_fail(Status::Failed, path)?);
        }
        if is_newest { file.set_len(0).or_fail(Status::Failed, path) } else { Ok(()) }
    }
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

/// duplicity records no hashes.
fn hash(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; stream::pipe::BUFFER];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(format!("{:x}", hash.finalize()));
        }
        hash.update(&buffer[..n]);
    }
}
