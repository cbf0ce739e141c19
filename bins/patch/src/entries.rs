//! The entries of all sets, out of their volumes, the oldest set first.

use std::io::{self, Read};

use archive::{EntryName, FileKind, FileName, Part, SetId, TreePath};
use stream::member::Kind;
use stream::{Facts, Failure, Member, Next, OrFail, Status, TarReader, Totals, Wanted};

use crate::Input;

/// An entry, without its body.
pub(crate) struct Entry {
    pub(crate) name: EntryName,
    pub(crate) member: Member,
}

/// The entries of a stream. Reading from it gives the body of the last entry, joined from its
/// pieces.
pub(crate) struct Entries {
    /// The sets that are still to come, the next one last.
    due: Vec<SetId>,
    set: Option<SetId>,
    volume: u64,
    /// None only while it is moved from one state to the other.
    source: Option<Source>,
    /// What the last entry is, so that its pieces are known.
    part: Part,
    path: Option<TreePath>,
    pieces: bool,
    facts: Facts,
    /// The entry behind the last one, where its pieces had to be looked past.
    pending: Option<Entry>,
}

enum Source {
    Files(Input),
    Volume(TarReader<Input>),
}

impl Entries {
    pub(crate) fn new(input: Input, wanted: &Wanted) -> Entries {
        Entries {
            due: wanted.sets.iter().rev().map(stream::WantedSet::id).collect(),
            set: None,
            volume: 0,
            source: Some(Source::Files(input)),
            part: Part::Snapshot,
            path: None,
            pieces: false,
            facts: Facts::default(),
            pending: None,
        }
    }

    /// The next entry, over what is left of the body of the last one; none when the stream has
    /// ended as it should.
    pub(crate) fn advance(&mut self) -> Result<Option<Entry>, Failure> {
        while self.pieces {
            self.next_piece()?;
        }
        let entry = match self.pending.take() {
            Some(entry) => entry,
            None => match self.member()? {
                Some(entry) => entry,
                None => return Ok(None),
            },
        };
        self.check_order(&entry)?;
        self.part = entry.name.part;
        self.path = Some(entry.name.path.clone());
        self.pieces = entry.name.piece.is_some();
        self.facts = entry.member.facts.clone();
        Ok(Some(entry))
    }

    /// The facts of the last entry, once its body has been read to the end.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What the stages before have counted.
    pub(crate) fn totals(&self) -> Totals {
        match &self.source {
            Some(Source::Files(input)) => input.totals(),
            _ => Totals::default(),
        }
    }

    /// duplicity passes over what is out of order, and what it passes over is lost.
    fn check_order(&self, entry: &Entry) -> Result<(), Failure> {
        match &self.path {
            Some(last) if entry.name.path <= *last => {
                let why = format!("{}: is out of order in its volume", entry.name.path);
                Err(Failure::new(Status::Integrity, why))
            }
            _ => Ok(()),
        }
    }

    /// Moves on to the next piece of the same body; where there is none, the body has ended.
    fn next_piece(&mut self) -> Result<(), Failure> {
        let set = self.set;
        let next = self.member()?;
        let Some(entry) = next else {
            self.pieces = false;
            return Ok(());
        };
        let same = self.set == set
            && entry.name.piece.is_some()
            && entry.name.part == self.part
            && Some(&entry.name.path) == self.path.as_ref();
        if same {
            self.facts.extend(&entry.member.facts);
        } else {
            self.pieces = false;
            self.pending = Some(entry);
        }
        Ok(())
    }

    /// The next member of a volume, of this one or of the next.
    fn member(&mut self) -> Result<Option<Entry>, Failure> {
        loop {
            match self.source.take() {
                Some(Source::Volume(tar)) => {
                    if let Some(entry) = self.in_volume(tar)? {
                        return Ok(Some(entry));
                    }
                }
                Some(Source::Files(input)) => {
                    if !self.next_volume(input)? {
                        return Ok(None);
                    }
                }
                None => return Ok(None),
            }
        }
    }

    fn in_volume(&mut self, mut tar: TarReader<Input>) -> Result<Option<Entry>, Failure> {
        let which = self.shown();
        let next = tar.advance().or_fail(Status::Integrity, &which)?;
        let Next::Member(member) = next else {
            // What duplicity fills its volumes up with follows, or nothing.
            self.source = Some(Source::Files(tar.into_inner()));
            return Ok(None);
        };
        self.source = Some(Source::Volume(tar));
        let name = EntryName::parse(&member.name).or_fail(Status::Integrity, &which)?;
        if member.kind != Kind::File && member.size > 0 {
            // Readers disagree on whether to pass over it, and would read different trees.
            let why = format!("{which}: {}: an object that is no file, but has a body", name.path);
            return Err(Failure::new(Status::Integrity, why));
        }
        if name.part == Part::Signature {
            let why = format!("{which}: {}: a signature among the content", name.path);
            return Err(Failure::new(Status::Integrity, why));
        }
        Ok(Some(Entry { name, member: *member }))
    }

    /// Goes on to the next volume; false where the stream has ended.
    fn next_volume(&mut self, mut input: Input) -> Result<bool, Failure> {
        while let Some(name) = input.next_file()? {
            let parsed = FileName::parse(&name);
            let Some(FileName { set, kind: FileKind::Volume(number), .. }) = parsed else {
                continue;
            };
            self.enter(set, number)?;
            self.source = Some(Source::Volume(TarReader::new(input)));
            return Ok(true);
        }
        self.source = Some(Source::Files(input));
        Ok(false)
    }

    /// Checks that the volumes come in their order: a set that is applied too late, or twice,
    /// makes another tree.
    fn enter(&mut self, set: SetId, number: u64) -> Result<(), Failure> {
        if self.set != Some(set) {
            while self.due.last().is_some_and(|due| *due != set) {
                self.due.pop();
            }
            self.due.pop().ok_or_else(|| unexpected(set, number))?;
            self.set = Some(set);
            self.path = None;
        } else if number <= self.volume {
            return Err(unexpected(set, number));
        }
        self.volume = number;
        Ok(())
    }

    fn shown(&self) -> String {
        match self.set {
            Some(set) => format!("volume {} of the {set}", self.volume),
            None => "standard input".to_owned(),
        }
    }
}

fn unexpected(set: SetId, number: u64) -> Failure {
    let why = format!("standard input: volume {number} of the {set} is out of turn");
    Failure::new(Status::Integrity, why)
}

/// The body of the last entry.
impl Read for Entries {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.pending.is_some() {
                return Ok(0);
            }
            let which = self.shown();
            let Some(Source::Volume(tar)) = &mut self.source else {
                return Ok(0);
            };
            let n = tar.read(buffer).or_fail(Status::Integrity, which)?;
            if n > 0 || !self.pieces || buffer.is_empty() {
                return Ok(n);
            }
            self.next_piece()?;
        }
    }
}
