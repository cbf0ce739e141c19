//! Going on with a set that an interrupted run has begun: what its volumes hold already is passed
//! over, in the state that it had then.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::ffi::OsStrExt;

use archive::{FileKind, LONGEST_LINE, TreePath, read_line};
use failure::{Failure, OrFail, Status, shown};
use local::{FileState, Folder, Interrupted, PackedVolume, StartedFile};
use rustix::fs::AtFlags;
use sha2::{Digest, Sha256};
use stream::member::{Kind, SIZE};
use stream::{Member, SetHeader};

use crate::owners::Owners;
use crate::report::{News, Report, Reread, Told};
use crate::source::Source;
use crate::walk::Walk;
use crate::{STDIN, Scan, entry};

/// What the options of a run amount to, as far as two that share a set have to agree.
///
/// None if the set can't be resumed: what comes from a pipe can't be read again.
pub(crate) fn options(arguments: &Scan) -> Option<String> {
    if arguments.source == STDIN {
        return None;
    }
    let mut hash = Sha256::new();
    let mut add = |text: &[u8]| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    arguments.words.spell(&mut add);
    add(arguments.run_options.as_bytes());
    if arguments.copy_links {
        add(b"copy-links");
    }
    Some(format!("{:x}", hash.finalize()))
}

/// The interrupted run that one with this `head` could go on with.
pub(crate) fn find(
    arguments: &Scan,
    folder: &Folder,
    head: &SetHeader,
) -> Result<Option<Interrupted>, Failure> {
    if !arguments.resume || head.options.is_none() {
        return Ok(None);
    }
    let Some(run) = Interrupted::find(folder)? else { return Ok(None) };
    let why = match obstacle(arguments, &run.head, head) {
        None if holds_a_long_line(folder, &run)? => Some("a path in it is too long"),
        why => why,
    };
    if let Some(why) = why {
        log::info!("{}: was interrupted, but is not resumed: {why}", run.head.id());
        return Ok(None);
    }
    Ok(Some(run))
}

/// Whether the draft of a run's manifest has a line that no manifest may have. Earlier releases
/// stored paths of any length.
fn holds_a_long_line(folder: &Folder, run: &Interrupted) -> Result<bool, Failure> {
    let draft = folder.path(&Folder::part_name(run.head.id(), FileKind::Manifest));
    let Ok(file) = File::open(&draft) else { return Ok(false) };
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    while read_line(&mut lines, &mut line).or_fail(Status::Failed, shown(&draft))? {
        if line.len() > LONGEST_LINE {
            return Ok(true);
        }
    }
    Ok(false)
}

fn obstacle(arguments: &Scan, was: &SetHeader, now: &SetHeader) -> Option<&'static str> {
    let same_base = match was.base {
        None => !arguments.incremental,
        base => base == now.base,
    };
    match () {
        () if was.options != now.options => Some("the options are other ones"),
        () if (&was.source, &was.host) != (&now.source, &now.host) => Some("the source is another"),
        // A set that was begun as one of another backup is not finished as one of this.
        () if was.identity.is_some()
            && now.previous_seal.is_some()
            && was.identity != now.identity =>
        {
            Some("it is a set of another backup")
        }
        () if !same_base || was.previous_seal != now.previous_seal => {
            Some("this run makes another set")
        }
        () => None,
    }
}

/// Leaves of a run only what the source still agrees with: a file of which a part is stored must
/// not have changed. Returns where to go on; none where nothing is left.
pub(crate) fn settle(run: &mut Interrupted, source: &Source) -> Option<PackedVolume> {
    let agrees = |packed: &PackedVolume| match &packed.started {
        Some(started) => facts(source, &packed.last).as_ref() == Some(&started.file),
        None => true,
    };
    let kept = run.packed.iter().rposition(agrees).map_or(0, |last| last + 1);
    if kept < run.packed.len() {
        log::info!("{}: has changed since half of it was stored", run.packed[kept].last);
    }
    run.keep(kept);
    run.packed.last().cloned()
}

/// What the system says of a file of the source now.
fn facts(source: &Source, path: &TreePath) -> Option<FileState> {
    let mut whole = source.entry.clone();
    if !path.is_root() {
        whole.push(b'/');
        whole.extend_from_slice(path.as_bytes());
    }
    let stat = rustix::fs::statat(&source.from, whole, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let kind = entry::kind(&stat).filter(|kind| *kind == Kind::File)?;
    FileState::of(&entry::member(kind, &stat, Vec::new(), &mut Owners::default()))
}

/// A report that begins behind what is stored already.
pub(crate) struct Resumed<R> {
    report: R,
    stored: Option<PackedVolume>,
}

impl<R> Resumed<R> {
    /// One that begins behind `stored`, or, without it, at the beginning.
    pub(crate) fn new(report: R, stored: Option<PackedVolume>) -> Resumed<R> {
        Resumed { report, stored }
    }

    fn is_stored(&self, path: &TreePath) -> bool {
        self.stored.as_ref().is_some_and(|stored| match stored.started {
            Some(_) => *path < stored.last,
            None => *path <= stored.last,
        })
    }

    /// The file of which the first pieces are stored, if that is it.
    fn started(&self, path: &TreePath) -> Option<&StartedFile> {
        let stored = self.stored.as_ref().filter(|stored| stored.last == *path)?;
        stored.started.as_ref()
    }
}

impl<R: Report> Report for Resumed<R> {
    /// What has become a directory since its end was stored as something else gets nothing below
    /// it in this set.
    fn takes(&self, path: &TreePath) -> bool {
        let Some(PackedVolume { last, closed: Some(closed), .. }) = &self.stored else {
            return true;
        };
        path <= last || !path.starts_with(closed)
    }

    fn entry(
        &mut self,
        path: &TreePath,
        member: Member,
        news: News,
        walk: &Walk,
        owners: &mut Owners,
    ) -> Result<Told, Failure> {
        if self.is_stored(path) {
            return Ok(passed(&member, walk));
        }
        let changed =
            |started: &StartedFile| FileState::of(&member).as_ref() != Some(&started.file);
        if self.started(path).is_some_and(changed) {
            let why = "has changed since half of it was stored (the next run stores it again)";
            return Err(Failure::of(Status::Failed, walk.shown(path), why));
        }
        self.report.entry(path, member, news, walk, owners)
    }

    fn reread(&mut self, path: &TreePath, sha256: &str, walk: &Walk) -> Result<Reread, Failure> {
        self.report.reread(path, sha256, walk)
    }

    fn deleted(&mut self, path: &TreePath) -> Result<(), Failure> {
        if self.is_stored(path) { Ok(()) } else { self.report.deleted(path) }
    }
}

/// What to tell of an entry that is stored: the interrupted run has not told, in the end, which
/// ones it could not open.
fn passed(member: &Member, walk: &Walk) -> Told {
    if member.kind != Kind::File {
        return Told::Whole(0);
    }
    match walk.open() {
        Ok(_) => Told::Whole(member.annotations.parse(SIZE).unwrap_or(0)),
        Err(error) => Told::Unreadable(error),
    }
}
