//! The differences between a restored state and a source, a line each.

use std::cmp::Ordering;
use std::fs::File;
use std::path::Path;

use archive::{Part, TreePath};
use cli::{Out, legible};
use failure::{Failure, OrFail, Status, shown};
use local::{EntryRecord, Signatures};
use stream::member::{Kind, SHA256, SIZE, XATTRS};
use stream::{Content, Entry, Member, SetType, TreeInput};

/// Writes a line on standard output for each difference. Returns how many there are, and how many
/// entries of the source could not be read.
pub(crate) fn compare(
    mut state: Signatures,
    mut source: SourceTree,
    scope: &Scope,
) -> Result<u64, Failure> {
    let mut out = Out::new();
    let mut differences = 0;
    while let Some(order) = order(&state, &mut source)? {
        let was = state.peek().filter(|_| order.is_le()).cloned();
        let now = if order.is_ge() { source.advance() } else { None };
        if let Some(line) = scope.line(was.as_ref(), now.as_ref()) {
            differences += 1;
            out.line(&line)?;
        }
        if order.is_le() {
            state.advance()?;
        }
    }
    out.flush()?;
    Ok(differences + source.unreadable())
}

/// What of a state is compared.
pub(crate) enum Scope {
    /// Everything.
    All,
    /// The content of files that have kept size and time; lines name them by their paths in the
    /// backup, where that one is the path that is compared.
    Unchanged(TreePath),
}

impl Scope {
    /// The line for a path; none if nothing differs.
    fn line(&self, was: Option<&EntryRecord>, now: Option<&(TreePath, Member)>) -> Option<String> {
        let Scope::Unchanged(above) = self else { return line(was, now) };
        let (was, (path, now)) = was.zip(now)?;
        let files = was.member.kind == Kind::File && now.kind == Kind::File;
        let size = was.member.annotations.get(SIZE) == now.annotations.get(SIZE);
        let differs = fields(was, now)?.split(',').any(|field| field == "content");
        let differs = differs && files && size && same_time(was, now);
        let whole = || path.components().fold(above.clone(), |above, name| above.child(name));
        differs.then(|| told('M', "content", &whole()))
    }
}

/// Which of the two has the next path: less is the state alone, greater the source alone.
fn order(state: &Signatures, source: &mut SourceTree) -> Result<Option<Ordering>, Failure> {
    Ok(match (state.peek(), source.peek()?) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(was), Some((path, _))) => Some(was.path.cmp(path)),
    })
}

/// The line for a path; none if nothing differs.
fn line(was: Option<&EntryRecord>, now: Option<&(TreePath, Member)>) -> Option<String> {
    let path = was.map(|was| &was.path).or(now.map(|(path, _)| path))?;
    let (sign, what) = match (was, now) {
        (Some(was), None) => ('-', legible::kind(was.member.kind).to_owned()),
        (None, Some((_, now))) => ('+', legible::kind(now.kind).to_owned()),
        (Some(was), Some((_, now))) if was.member.kind != now.kind => {
            ('T', format!("{} to {}", legible::kind(was.member.kind), legible::kind(now.kind)))
        }
        (Some(was), Some((_, now))) => ('M', fields(was, now)?),
        (None, None) => return None,
    };
    Some(told(sign, &what, path))
}

fn told(sign: char, what: &str, path: &TreePath) -> String {
    format!("{sign} {what:<20} {}", legible::path(path))
}

/// In what an entry of the same kind differs; none where it does not.
fn fields(was: &EntryRecord, now: &Member) -> Option<String> {
    let old = &was.member;
    // Where the names are the same, a restore finds the same owner under another number.
    let other = |old: (u64, &[u8]), new: (u64, &[u8])| {
        old.0 != new.0 && (old.1.is_empty() || old.1 != new.1)
    };
    let all = [
        (
            "content",
            now.kind == Kind::File && old.annotations.get(SHA256) != now.annotations.get(SHA256),
        ),
        ("mode", old.mode != now.mode),
        ("owner", other((old.uid, &old.uname), (now.uid, &now.uname))),
        ("group", other((old.gid, &old.gname), (now.gid, &now.gname))),
        ("mtime", !now.kind.is_device() && !same_time(was, now)),
        ("target", old.link != now.link),
        ("device", old.device != now.device),
        ("attributes", !was.same_attributes(now)),
    ];
    let fields: Vec<_> =
        all.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    (!fields.is_empty()).then(|| fields.join(","))
}

/// Whether the time is the same, as far as a set records it: ours tell of attributes too, and know
/// fractions of a second.
fn same_time(was: &EntryRecord, now: &Member) -> bool {
    let exact = was.member.annotations.get(XATTRS).is_some() || was.member.mtime.nanos > 0;
    if exact { was.member.mtime == now.mtime } else { was.same_time(now.mtime) }
}

/// The entries of a source.
pub(crate) struct SourceTree {
    /// What errors call it.
    which: String,
    input: TreeInput<File>,
    next: Option<(TreePath, Member)>,
}

impl SourceTree {
    /// Reads the start of a tree stream of all that a source has.
    pub(crate) fn open(path: &Path) -> Result<SourceTree, Failure> {
        let which = shown(&path).to_string();
        let file = File::open(path).or_fail(Status::Failed, &which)?;
        let input = TreeInput::open(file).map_err(|failure| failure.about(&which))?;
        match input.begin().set().map(|set| set.set_type) {
            Some(SetType::Full) => Ok(SourceTree { which, input, next: None }),
            _ => {
                let why = "not the whole of a source (use moo-scan without --archive)";
                Err(Failure::of(Status::Usage, which, why))
            }
        }
    }

    /// The entry that comes next; none at the end. Facts of a file tell its hash.
    pub(crate) fn peek(&mut self) -> Result<Option<&(TreePath, Member)>, Failure> {
        while self.next.is_none() {
            let entry = self.input.advance().map_err(|failure| failure.about(&self.which))?;
            let Some(entry) = entry else { break };
            if entry.name.part == Part::Snapshot {
                self.next = Some(self.whole(entry)?);
            }
        }
        Ok(self.next.as_ref())
    }

    /// Goes on behind the entry that comes next.
    pub(crate) fn advance(&mut self) -> Option<(TreePath, Member)> {
        self.next.take()
    }

    /// How many entries of the source could not be read, once the end has come.
    pub(crate) fn unreadable(&self) -> u64 {
        self.input.totals().unreadable
    }

    /// An entry over the end of its content, which tells the hash.
    fn whole(&mut self, entry: Entry) -> Result<(TreePath, Member), Failure> {
        let (path, mut member) = (entry.name.path.clone(), entry.member.clone());
        if entry.is_content() {
            let content = Content::new(&mut self.input, entry, |_| Ok(()))?;
            let last = content.last().map_err(|failure| failure.about(&self.which))?;
            member.annotations.extend(&last.member.annotations);
        }
        Ok((path, member))
    }
}
