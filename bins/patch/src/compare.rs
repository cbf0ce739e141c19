//! In what a state differs from a source, a line each.

use cli::legible;
use std::cmp::Ordering;
use std::io::{self, BufWriter, Write};

use archive::TreePath;
use failure::Failure;
use local::{Known, Signatures};
use stream::Member;
use stream::member::{Kind, SHA256, SIZE, XATTRS};

use crate::source::Source;

/// Writes a line on standard output for each difference. Returns how many there are, and how many
/// entries of the source could not be read.
pub(crate) fn compare(
    mut state: Signatures,
    mut source: Source,
    what: &What,
) -> Result<u64, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut differences = 0;
    while let Some(order) = order(&state, &mut source)? {
        let was = state.peek().filter(|_| order.is_le()).cloned();
        let now = if order.is_ge() { source.advance() } else { None };
        if let Some(line) = what.line(was.as_ref(), now.as_ref()) {
            differences += 1;
            writeln!(out, "{line}").map_err(|error| Failure::of_output(&error))?;
        }
        if order.is_le() {
            state.advance()?;
        }
    }
    out.flush().map_err(|error| Failure::of_output(&error))?;
    Ok(differences + source.unreadable())
}

/// What of a state is compared.
pub(crate) enum What {
    /// Everything.
    All,
    /// The content of files that have kept size and time; lines name them by their paths in the
    /// backup, where that one is the path that is compared.
    Unchanged(TreePath),
}

impl What {
    /// What there is to say of a path; none where nothing differs.
    fn line(&self, was: Option<&Known>, now: Option<&(TreePath, Member)>) -> Option<String> {
        let What::Unchanged(above) = self else { return line(was, now) };
        let (was, (path, now)) = was.zip(now)?;
        let files = was.member.kind == Kind::File && now.kind == Kind::File;
        let size = was.member.facts.get(SIZE) == now.facts.get(SIZE);
        let differs = fields(was, now)?.split(',').any(|field| field == "content");
        let differs = differs && files && size && same_time(was, now);
        let whole = || path.components().fold(above.clone(), |above, name| above.child(name));
        differs.then(|| told('M', "content", &whole()))
    }
}

/// Which of the two has the next path: less is the state alone, greater the source alone.
fn order(state: &Signatures, source: &mut Source) -> Result<Option<Ordering>, Failure> {
    Ok(match (state.peek(), source.peek()?) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(was), Some((path, _))) => Some(was.path.cmp(path)),
    })
}

/// What there is to say of a path; none where nothing differs.
fn line(was: Option<&Known>, now: Option<&(TreePath, Member)>) -> Option<String> {
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
fn fields(was: &Known, now: &Member) -> Option<String> {
    let old = &was.member;
    // Where the names are the same, a restore finds the same owner under another number.
    let other = |old: (u64, &[u8]), new: (u64, &[u8])| {
        old.0 != new.0 && (old.1.is_empty() || old.1 != new.1)
    };
    let all = [
        ("content", now.kind == Kind::File && old.facts.get(SHA256) != now.facts.get(SHA256)),
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
fn same_time(was: &Known, now: &Member) -> bool {
    let exact = was.member.facts.get(XATTRS).is_some() || was.member.mtime.nanos > 0;
    if exact { was.member.mtime == now.mtime } else { was.same_time(now.mtime) }
}
