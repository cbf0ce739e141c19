//! The entries of all sets, out of their volumes, the oldest set first.

use std::io::{self, Read};

use archive::{EntryName, FileKind, FileName, Identity, Part, SetId, TreePath, parse_seal};
use failure::{Failure, OrFail, Status};
use stream::member::Kind;
use stream::{Annotations, Member, Next, RestoreRequest, Scope, TarError, TarReader, Totals};

use crate::set_metadata::{Input, Loss, SetMetadata, manifest};
use crate::staging::Scratch;

/// The largest seal that is read, in bytes.
const LONGEST_SEAL: u64 = 64 << 20;

/// An entry, without its body.
pub(crate) struct Entry {
    pub(crate) name: EntryName,
    pub(crate) member: Member,
}

/// What comes next.
pub(crate) enum Event {
    Entry(Entry),
    /// A part of the set is lost; it goes on behind it.
    Loss(Loss),
}

/// The entries of a stream. Reading from it gives the body of the last entry, joined from its
/// pieces.
pub(crate) struct Entries {
    /// The sets that are still to come, the next one last.
    due: Vec<SetId>,
    set: Option<SetId>,
    volume: u64,
    /// None only while it is moved from one state to the other.
    reader: Option<Reader>,
    /// What the last entry is, so that its pieces are known.
    part: Part,
    path: Option<TreePath>,
    pieces: bool,
    annotations: Annotations,
    /// The entry behind the last one, where its pieces had to be looked past.
    pending: Option<Entry>,
    /// What is known of the sets; none for who does not go on past damage.
    set_metadata: Option<SetMetadata>,
    /// What the last manifest says, where somebody is going to ask for it.
    origin: Option<Origin>,
    /// A loss that ended the last body, or that comes next.
    loss: Option<Loss>,
    /// Behind a loss, whose end this is where it is known: the rest of what began in it may come.
    resume: Option<Option<TreePath>>,
    broken: bool,
}

/// Whose state a set holds, as its manifest has it.
#[derive(Clone, Default)]
struct Origin {
    /// As the last seal that names one has it.
    identity: Option<Identity>,
    host: Option<Vec<u8>>,
    source: Option<Vec<u8>>,
}

enum Reader {
    Files(Input),
    Volume(TarReader<Input>),
}

impl Entries {
    /// With a place for what is to be known of the sets, it goes on past what is lost.
    pub(crate) fn new(input: Input, wanted: &RestoreRequest, scratch: Option<Scratch>) -> Entries {
        Entries {
            due: wanted.sets.iter().rev().map(stream::SetRef::id).collect(),
            set: None,
            volume: 0,
            reader: Some(Reader::Files(input)),
            part: Part::Snapshot,
            path: None,
            pieces: false,
            annotations: Annotations::default(),
            pending: None,
            set_metadata: scratch.map(SetMetadata::new),
            origin: None,
            loss: None,
            resume: None,
            broken: false,
        }
    }

    /// Takes note of what the manifests say.
    pub(crate) fn noting_origin(mut self) -> Entries {
        self.origin = Some(Origin::default());
        self
    }

    /// The identity of the backup, if it was noted and a seal names it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.origin.as_ref().and_then(|origin| origin.identity)
    }

    /// The host and the source of the last set, if they were noted and its manifest tells them.
    pub(crate) fn origin(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let Origin { host, source, .. } = self.origin.clone()?;
        host.zip(source)
    }

    /// The next entry, over what is left of the body of the last one; none when the stream has
    /// ended as it should.
    pub(crate) fn advance(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            while self.pieces {
                self.next_piece()?;
            }
            let entry = match self.pending.take() {
                Some(entry) => Some(entry),
                None => self.member()?,
            };
            let Some(entry) = entry else {
                return Ok(self.loss.take().map(Event::Loss));
            };
            self.check_order(&entry)?;
            self.part = entry.name.part;
            self.path = Some(entry.name.path.clone());
            self.pieces = entry.name.piece.is_some();
            self.annotations = entry.member.annotations.clone();
            if !self.is_rest(&entry) {
                self.resume = None;
                return Ok(Some(Event::Entry(entry)));
            }
        }
    }

    /// The set of the last entry, if it is known, and whether none is due after it.
    pub(crate) fn set(&self) -> (Option<SetId>, bool) {
        (self.set, self.due.is_empty())
    }

    /// Whether the stream itself is broken: then nobody goes on.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether an entry is what is left of one that began in what is lost.
    fn is_rest(&self, entry: &Entry) -> bool {
        self.resume.as_ref().is_some_and(|end| {
            let piece = entry.name.piece.is_some_and(|piece| piece > 1);
            piece || end.as_ref().is_some_and(|end| entry.name.path <= *end)
        })
    }

    /// The annotations of the last entry, once its body has been read to the end.
    pub(crate) fn annotations(&self) -> &Annotations {
        &self.annotations
    }

    /// What the stages before have counted.
    pub(crate) fn totals(&self) -> Totals {
        match &self.reader {
            Some(Reader::Files(input)) => input.totals(),
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
            self.annotations.extend(&entry.member.annotations);
        } else {
            self.pieces = false;
            self.pending = Some(entry);
        }
        Ok(())
    }

    /// The next member of a volume, of this one or of the next.
    fn member(&mut self) -> Result<Option<Entry>, Failure> {
        loop {
            if self.loss.is_some() {
                return Ok(None);
            }
            match self.reader.take() {
                Some(Reader::Volume(tar)) => {
                    if let Some(entry) = self.in_volume(tar)? {
                        return Ok(Some(entry));
                    }
                }
                Some(Reader::Files(input)) => {
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
        let next = match tar.advance() {
            Err(TarError::Cut | TarError::Malformed(_)) if self.set_metadata.is_some() => {
                return self.lose(tar).map(|()| None);
            }
            next => next.or_fail(Status::Integrity, &which)?,
        };
        let Next::Member(member) = next else {
            // What duplicity fills its volumes up with follows, or nothing.
            self.reader = Some(Reader::Files(tar.into_inner()));
            return Ok(None);
        };
        match entry(&which, *member) {
            Err(_) if self.set_metadata.is_some() => self.lose(tar).map(|()| None),
            entry => {
                self.reader = Some(Reader::Volume(tar));
                entry.map(Some)
            }
        }
    }

    /// Goes on past the rest of a volume that is no tar of a backup.
    fn lose(&mut self, tar: TarReader<Input>) -> Result<(), Failure> {
        self.reader = Some(Reader::Files(tar.into_inner()));
        self.set_loss(Scope::File)
    }

    fn set_loss(&mut self, scope: Scope) -> Result<(), Failure> {
        let (Some(set_metadata), Some(set)) = (&self.set_metadata, self.set) else {
            return Ok(());
        };
        let loss =
            set_metadata.loss((set, self.volume), scope, self.path.clone().unwrap_or_default())?;
        self.resume = Some(loss.end.clone());
        self.loss = Some(loss);
        Ok(())
    }

    /// Goes on to the next volume; false where the stream has ended.
    fn next_volume(&mut self, mut input: Input) -> Result<bool, Failure> {
        while let Some(name) = input.next_file()? {
            let Some(name) = FileName::parse(&name) else {
                if parse_seal(&name).is_some() {
                    self.seal(&name, &mut input)?;
                }
                continue;
            };
            let FileKind::Volume(number) = name.kind else {
                self.control_file(&name, &mut input)?;
                continue;
            };
            self.enter(name.set, number)?;
            if let Some(scope) = input.lost() {
                self.reader = Some(Reader::Files(input));
                return self.set_loss(scope).map(|()| true);
            }
            self.reader = Some(Reader::Volume(TarReader::new(input)));
            return Ok(true);
        }
        self.reader = Some(Reader::Files(input));
        Ok(false)
    }

    /// Notes the identity that a seal names; moo-decrypt has checked it.
    fn seal(&mut self, name: &str, input: &mut Input) -> Result<(), Failure> {
        let Some(origin) = &mut self.origin else { return Ok(()) };
        let mut bytes = Vec::new();
        let read = input.take(LONGEST_SEAL).read_to_end(&mut bytes);
        read.or_fail(Status::Failed, name)?;
        origin.identity = openpgp::read_seal(name, &bytes)?.identity.or(origin.identity);
        Ok(())
    }

    /// Takes a file that is no volume.
    fn control_file(&mut self, name: &FileName, input: &mut Input) -> Result<(), Failure> {
        match (&mut self.set_metadata, &mut self.origin) {
            (Some(set_metadata), _) => set_metadata.take(name, input),
            (None, Some(origin)) if name.kind == FileKind::Manifest => {
                let manifest = manifest(input)?;
                origin.host = manifest.as_ref().and_then(|manifest| manifest.hostname.clone());
                origin.source = manifest.and_then(|manifest| manifest.localdir);
                Ok(())
            }
            _ => Ok(()),
        }
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
            self.resume = None;
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

/// An entry, from its member.
fn entry(which: &str, member: Member) -> Result<Entry, Failure> {
    entry_name(which, &member).map(|name| Entry { name, member })
}

/// The name of a member of a volume, which `which` is in messages.
///
/// # Errors
/// It is no member that a volume can have.
pub fn entry_name(which: &str, member: &Member) -> Result<EntryName, Failure> {
    let name = EntryName::parse(&member.name).or_fail(Status::Integrity, which)?;
    if member.kind != Kind::File && member.size > 0 {
        // Readers disagree on whether to pass over it, and would read different trees.
        let why = format!("{which}: {}: an object other than a file, with a body", name.path);
        return Err(Failure::new(Status::Integrity, why));
    }
    if name.part == Part::Signature {
        let why = format!("{which}: {}: a signature among the content", name.path);
        return Err(Failure::new(Status::Integrity, why));
    }
    Ok(name)
}

impl Entries {
    fn body(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.pending.is_some() || self.loss.is_some() {
                return Ok(0);
            }
            let which = self.shown();
            let n = match &mut self.reader {
                Some(Reader::Volume(tar)) => tar.read(buffer),
                _ => return Ok(0),
            };
            let n = match n {
                Err(error) if self.is_cut(&error) => {
                    self.give_up()?;
                    return Ok(0);
                }
                n => n.or_fail(Status::Integrity, which)?,
            };
            if n > 0 || !self.pieces || buffer.is_empty() {
                return Ok(n);
            }
            self.next_piece()?;
        }
    }

    /// Whether a volume ends in the middle of a body, and we go on past that.
    fn is_cut(&self, error: &io::Error) -> bool {
        self.set_metadata.is_some() && error.kind() == io::ErrorKind::UnexpectedEof
    }

    fn give_up(&mut self) -> Result<(), Failure> {
        match self.reader.take() {
            Some(Reader::Volume(tar)) => self.lose(tar),
            source => {
                self.reader = source;
                Ok(())
            }
        }
    }
}

/// The body of the last entry.
impl Read for Entries {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body(buffer).inspect_err(|_| self.broken = true)
    }
}
