//! The walk beside the state of the last backup: what is new, what has changed, what is gone.

use std::time::{SystemTime, UNIX_EPOCH};

use archive::TreePath;
use attributes::Trouble;
use failure::{Failure, Status};
use local::{EntryRecord, InodeBeside, SeenNow};
use progress::{Event, Events, Reporter};
use stream::member::{CTIME, INODE, Kind, LINK, XATTRS};
use stream::{Attributes, Member, Totals};

use crate::base::{Base, Past};
use crate::entry;
use crate::extended;
use crate::links::Links;
use crate::owners::Owners;
use crate::privilege;
use crate::report::{News, Report, Reread, Told};
use crate::rules::Rules;
use crate::walk::{Found, Walk};

/// What is said of the source where there are more files with several names than are remembered.
const TOO_MANY_LINKS: &str = "has too many hard links to remember: some are stored as files";
/// What is said of it where attributes cannot be examined.
const NO_PROC: &str = "its extended attributes can't be read, since /proc is not mounted";

/// The comparison of a source with its last backup.
pub(crate) struct Changes<R> {
    walk: Walk,
    base: Option<Base>,
    seen: Option<SeenNow>,
    rules: Rules,
    report: R,
    owners: Owners,
    links: Links,
    totals: Totals,
    reporter: Reporter,
    events: Events,
    /// What could not be read keeps its last state, with all that is below it.
    kept: Option<TreePath>,
}

impl<R: Report> Changes<R> {
    pub(crate) fn new(
        walk: Walk,
        base: Option<Base>,
        seen: Option<SeenNow>,
        rules: Rules,
        (report, reporter): (R, Reporter),
    ) -> Changes<R> {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let start = u64::try_from(start).unwrap_or_default();
        Changes {
            walk,
            base,
            seen,
            rules,
            report,
            owners: Owners::default(),
            links: Links::new(),
            totals: Totals { start, ..Totals::default() },
            reporter,
            events: Events::find(),
            kept: None,
        }
    }

    /// Goes through the whole source.
    pub(crate) fn run(mut self) -> Result<Totals, Failure> {
        if !attributes::can_reach() {
            self.warn(&TreePath::root(), NO_PROC);
        }
        while let Some(found) = self.walk.advance()? {
            if found.overlong {
                self.deleted_before(Some(&found.path))?;
                self.kept = Some(found.path);
                continue;
            }
            if !self.report.takes(&found.path) {
                self.pass(&found);
                continue;
            }
            self.deleted_before(Some(&found.path))?;
            let is_root = found.path.is_root();
            self.entry(found)?;
            if is_root {
                self.check_root()?;
            }
        }
        self.reporter.at(b"", self.totals.source_files, self.totals.source_bytes);
        self.deleted_before(None)?;
        self.check_end()?;
        self.totals.unreadable += self.walk.overlong();
        if self.links.overflowed() {
            self.warn(&TreePath::root(), TOO_MANY_LINKS);
        }
        if let Some(why) = self.walk.hollow() {
            log::warn!("{}: {}", self.walk.shown(&TreePath::root()), why.told());
        }
        for told in self.walk.subvolumes().into_iter().chain(self.walk.lacking()) {
            log::warn!("{told}");
        }
        if let Some(seen) = self.seen {
            privilege::without(|| seen.finish())?;
        }
        Ok(self.totals)
    }

    /// Stops before a source that is not mounted counts as one whose entries are deleted.
    fn check_root(&self) -> Result<(), Failure> {
        let had_entries = self.base.as_ref().is_some_and(|base| base.peek().is_some());
        self.rules.check_root(self.walk.is_empty_source() && had_entries, || {
            self.walk.shown(&TreePath::root())
        })
    }

    fn check_end(&self) -> Result<(), Failure> {
        let source = || self.walk.shown(&TreePath::root());
        self.rules.check_selection(self.walk.selects_nothing(), source)?;
        let entries = self.base.as_ref().map_or(0, Base::entries);
        self.rules.check_deletions(self.totals.deleted_files, entries, source)
    }

    /// Reports what the state has before `path`, or before its end, and the source has not.
    fn deleted_before(&mut self, path: Option<&TreePath>) -> Result<(), Failure> {
        let Some(base) = &mut self.base else {
            return Ok(());
        };
        while let Some(past) = base.peek() {
            let known = &past.known;
            if path.is_some_and(|path| known.path >= *path) {
                break;
            }
            let kept = self.kept.as_ref().is_some_and(|kept| known.path.starts_with(kept));
            if !kept && !known.path.is_root() && can_be_deleted(&known.path) {
                self.totals.deleted_files += 1;
                self.report.deleted(&known.path)?;
            }
            base.advance()?;
        }
        Ok(())
    }

    fn entry(&mut self, found: Found) -> Result<(), Failure> {
        let Found { path, stat, listed, attributes, .. } = found;
        let stat = match stat {
            Ok(stat) => stat,
            Err(error) => return self.unreadable(&path, &error.to_string()),
        };
        if let Err(error) = listed {
            self.unreadable(&path, &error.to_string())?;
        }
        let Some(kind) = entry::kind(&stat) else {
            log::info!("{}: a socket, not stored", self.walk.shown(&path));
            return self.report.socket(&path);
        };
        let link = match kind {
            Kind::Symlink => self.walk.read_link(),
            _ => Ok(Vec::new()),
        };
        let link = match link {
            Ok(link) => link,
            Err(error) => return self.unreadable(&path, &error.to_string()),
        };
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let Totals { source_files, source_bytes, .. } = self.totals;
        self.reporter.at(path.as_bytes(), source_files, source_bytes);
        self.totals.source_files += 1;
        self.totals.source_bytes += if kind == Kind::File { size } else { 0 };
        let mut member = entry::member(kind, &stat, link, &mut self.owners);
        if kind == Kind::File
            && let Some(first) = self.links.first(&path, &stat)
        {
            member.annotations.set_bytes(LINK, first.as_bytes());
        }
        let inode = self.inode_beside(&path, &member);
        self.extend(&path, &mut member, inode, attributes);
        match self.compare(&path, &member, inode, size)? {
            Some(news) => self.changed(&path, member, news),
            None => Ok(()),
        }
    }

    /// How a file's inode compares with that of the last backup.
    fn inode_beside(&self, path: &TreePath, member: &Member) -> Option<InodeBeside> {
        let base = self.base.as_ref()?;
        let past = base.peek().filter(|past| past.known.path == *path)?;
        (member.kind == Kind::File).then(|| past.known.inode_beside(member, base.time()))
    }

    /// Goes past an entry that nothing is told of: it can be the first name of a file all the same.
    fn pass(&mut self, found: &Found) {
        if let Ok(stat) = &found.stat
            && entry::kind(stat) == Some(Kind::File)
        {
            self.links.first(&found.path, stat);
        }
    }

    /// Puts extended attributes into a member. Those of a file are only looked at here if they
    /// alone may tell whether it has changed: what is stored is read from the file when it is open.
    fn extend(
        &mut self,
        path: &TreePath,
        member: &mut Member,
        inode: Option<InodeBeside>,
        read: Option<Result<Attributes, Trouble>>,
    ) {
        let past = self.base.as_ref().and_then(Base::peek);
        let known = past.map(|past| &past.known).filter(|known| known.path == *path);
        let read = match (read, known.zip(inode)) {
            (Some(read), _) => read,
            (None, Some((known, inode))) if known.is_same(member) => {
                if let Some(same) = extended::unchanged(&known.member, member, inode) {
                    member.annotations.set(XATTRS, same);
                    return;
                }
                self.walk.attributes()
            }
            _ => return,
        };
        if let Some(why) = extended::put(member, read) {
            self.warn(path, &why);
        }
    }

    /// What is new about an entry; none where nothing is. Takes the entry out of the state.
    fn compare(
        &mut self,
        path: &TreePath,
        member: &Member,
        inode: Option<InodeBeside>,
        size: u64,
    ) -> Result<Option<News>, Failure> {
        let Some(base) = &mut self.base else {
            return Ok(Some(News::New));
        };
        let Some(Past { known, sizes, seen }) = base.take(path)? else {
            return Ok(Some(News::New));
        };
        if !known.is_same(member) {
            return Ok(Some(News::Changed));
        }
        if member.kind != Kind::File {
            return Ok(None);
        }
        let has_size = sizes.is_some_and(|sizes| sizes.contains(&size));
        let is_in_doubt = inode.is_some_and(|inode| self.rules.need_reading(inode));
        if has_size && !is_in_doubt {
            if seen {
                // Not what it has now: those facts may be ignored, and nobody has read it.
                self.record(&known, &known.member)?;
            }
            return Ok(None);
        }
        // A file of a file system that knows no lengths has a length of 0, and more when it is read.
        if has_size || size == 0 { self.reread(path, &known) } else { Ok(Some(News::Changed)) }
    }

    /// Compares the content of a file with that of the last backup, where nothing else tells.
    fn reread(&mut self, path: &TreePath, known: &EntryRecord) -> Result<Option<News>, Failure> {
        let Some(sha256) = known.sha256() else { return Ok(Some(News::Changed)) };
        match self.report.reread(path, sha256, &self.walk)? {
            Reread::Other => return Ok(Some(News::Changed)),
            Reread::Same(None) => {}
            Reread::Same(Some(stat)) => {
                let mut now = Member::default();
                now.annotations.set(CTIME, entry::changed(&stat));
                now.annotations.set(INODE, stat.st_ino);
                self.record(known, &now)?;
            }
        }
        log::info!("{}: same content as in the last backup", self.walk.shown(path));
        Ok(None)
    }

    fn record(&mut self, known: &EntryRecord, now: &Member) -> Result<(), Failure> {
        let Some(seen) = &mut self.seen else { return Ok(()) };
        privilege::without(|| seen.record(known, now))
    }

    fn changed(&mut self, path: &TreePath, member: Member, news: News) -> Result<(), Failure> {
        let told = self.report.entry(path, member, news, &self.walk, &mut self.owners)?;
        let bytes = match told {
            Told::Whole(bytes) => bytes,
            Told::Doubtful(bytes, why) => {
                self.warn(path, &why);
                bytes
            }
            Told::Unreadable(error) => return self.unreadable(path, &error.to_string()),
        };
        let (files, sum) = match news {
            News::New => (&mut self.totals.new_files, &mut self.totals.new_bytes),
            News::Changed => (&mut self.totals.changed_files, &mut self.totals.changed_bytes),
        };
        *files += 1;
        *sum += bytes;
        Ok(())
    }

    /// An entry that keeps its last state, because this one cannot be read. Without the source
    /// itself there is nothing to back up.
    fn unreadable(&mut self, path: &TreePath, why: &str) -> Result<(), Failure> {
        if path.is_root() {
            let message = format!("{}: {}", self.walk.shown(path), plain(why));
            return Err(Failure::new(Status::Failed, message));
        }
        self.warn(path, why);
        self.kept = Some(path.clone());
        Ok(())
    }

    fn warn(&mut self, path: &TreePath, why: &str) {
        self.totals.unreadable += 1;
        self.events.entry(path, |path| Event::Unreadable { path });
        log::warn!("{}: {}", self.walk.shown(path), plain(why));
    }
}

/// Whether a set can say that a path is gone. Earlier releases stored longer paths than a set can
/// hold: what is below one of these goes with it, without an entry of its own.
fn can_be_deleted(path: &TreePath) -> bool {
    path.fits() || path.parent().is_some_and(|parent| parent.fits())
}

/// The system's words as ours are.
fn plain(why: &str) -> String {
    why.split(" (os error").next().unwrap_or_default().to_lowercase()
}
