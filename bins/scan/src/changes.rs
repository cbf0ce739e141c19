//! The walk beside the state of the last backup: what is new, what has changed, what is gone.

use archive::TreePath;
use local::Signatures;
use std::cmp::Ordering;
use stream::member::Kind;
use stream::{Failure, Member, Totals};

use crate::content::{Content, Fate};
use crate::entry;
use crate::owners::Owners;
use crate::source::Source;
use crate::walk::{Found, Walk};

/// Whether an entry was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It was not.
    New,
    /// It was, as something else.
    Changed,
}

/// Where changes go.
pub(crate) trait Report {
    /// An entry without content.
    fn bare(&mut self, path: &TreePath, member: Member, news: News) -> Result<(), Failure>;

    /// Whether content is to be opened and read.
    fn wants_content(&self) -> bool;

    /// A regular file. Tells how many bytes it had.
    fn file(
        &mut self,
        path: &TreePath,
        member: Member,
        content: &mut Content,
    ) -> Result<u64, Failure>;

    /// An entry that is gone.
    fn deleted(&mut self, path: &TreePath) -> Result<(), Failure>;

    /// The end.
    fn finish(&mut self) -> Result<(), Failure>;
}

/// The comparison of a source with its last backup.
pub(crate) struct Changes<R> {
    walk: Walk,
    base: Option<Signatures>,
    report: R,
    owners: Owners,
    totals: Totals,
    name: String,
    /// What could not be read keeps its last state, with all that is below it.
    kept: Option<TreePath>,
}

impl<R: Report> Changes<R> {
    pub(crate) fn new(source: Source, base: Option<Signatures>, report: R) -> Changes<R> {
        let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let start = start.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(0));
        Changes {
            name: source.name.to_string_lossy().into_owned(),
            walk: Walk::new(source),
            base,
            report,
            owners: Owners::default(),
            totals: Totals { start, ..Totals::default() },
            kept: None,
        }
    }

    /// Goes through the whole source.
    pub(crate) fn run(mut self) -> Result<Totals, Failure> {
        while let Some(found) = self.walk.advance() {
            self.deleted_before(Some(&found.path))?;
            self.entry(found)?;
        }
        self.deleted_before(None)?;
        self.report.finish()?;
        Ok(self.totals)
    }

    /// Reports what the state has before `path`, or before its end, and the source has not.
    fn deleted_before(&mut self, path: Option<&TreePath>) -> Result<(), Failure> {
        let Some(base) = &mut self.base else {
            return Ok(());
        };
        while let Some(known) = base.peek() {
            if path.is_some_and(|path| known.path >= *path) {
                break;
            }
            let kept = self.kept.as_ref().is_some_and(|kept| known.path.starts_with(kept));
            if !kept && !known.path.is_root() {
                self.totals.deleted_files += 1;
                self.report.deleted(&known.path)?;
            }
            base.advance()?;
        }
        Ok(())
    }

    fn entry(&mut self, found: Found) -> Result<(), Failure> {
        let Found { path, stat, listed } = found;
        let stat = match stat {
            Ok(stat) => stat,
            Err(error) => return self.unreadable(&path, &error.to_string()),
        };
        if let Err(error) = listed {
            self.unreadable(&path, &error.to_string())?;
        }
        let Some(kind) = entry::kind(&stat) else {
            log::info!("{}: a socket, not stored", self.shown(&path));
            return Ok(());
        };
        let link = if kind == Kind::Symlink { self.walk.read_link() } else { Ok(Vec::new()) };
        let link = match link {
            Ok(link) => link,
            Err(error) => return self.unreadable(&path, &error.to_string()),
        };
        let member = entry::member(kind, &stat, link, &mut self.owners);
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        self.totals.source_files += 1;
        self.totals.source_bytes += if kind == Kind::File { size } else { 0 };
        match self.compare(&path, &member, size)? {
            Some(news) if kind == Kind::File => self.file(&path, member, news),
            Some(news) => {
                self.count(news, 0);
                self.report.bare(&path, member, news)
            }
            None => Ok(()),
        }
    }

    /// What is new about an entry; none where nothing is. Takes the entry out of the state.
    fn compare(
        &mut self,
        path: &TreePath,
        member: &Member,
        size: u64,
    ) -> Result<Option<News>, Failure> {
        let Some(base) = &mut self.base else {
            return Ok(Some(News::New));
        };
        let Some(known) = base.peek().filter(|known| known.path.cmp(path) == Ordering::Equal)
        else {
            return Ok(Some(News::New));
        };
        let mut same = known.is_same(member);
        if same && member.kind == Kind::File {
            same = match known.size() {
                Some(was) => was == size,
                None => fits(&base.signature()?, size),
            };
        }
        base.advance()?;
        Ok((!same).then_some(News::Changed))
    }

    fn file(&mut self, path: &TreePath, member: Member, news: News) -> Result<(), Failure> {
        if !self.report.wants_content() {
            self.count(news, 0);
            return self.report.bare(path, member, news);
        }
        let mut content = match self.walk.open().and_then(Content::new) {
            Ok(content) => content,
            Err(error) => return self.unreadable(path, &error.to_string()),
        };
        // What is open counts, should the name have been given to another file meanwhile.
        let member = entry::member(Kind::File, content.stat(), Vec::new(), &mut self.owners);
        let size = self.report.file(path, member, &mut content)?;
        self.count(news, size);
        match content.fate() {
            Fate::Steady => Ok(()),
            Fate::Shrank(by) => {
                self.warn(path, &format!("became {by} bytes shorter while it was read"));
                Ok(())
            }
            Fate::Changed => {
                self.warn(path, "was changed while it was read");
                Ok(())
            }
            Fate::Failed(why) => {
                self.warn(path, &format!("only its first {size} bytes could be read: {why}"));
                Ok(())
            }
        }
    }

    fn count(&mut self, news: News, bytes: u64) {
        let (files, sum) = match news {
            News::New => (&mut self.totals.new_files, &mut self.totals.new_bytes),
            News::Changed => (&mut self.totals.changed_files, &mut self.totals.changed_bytes),
        };
        *files += 1;
        *sum += bytes;
    }

    /// An entry that keeps its last state, because this one cannot be read.
    fn unreadable(&mut self, path: &TreePath, why: &str) -> Result<(), Failure> {
        self.warn(path, why);
        self.kept = Some(path.clone());
        Ok(())
    }

    fn warn(&mut self, path: &TreePath, why: &str) {
        self.totals.unreadable += 1;
        let why = why.split(" (os error").next().unwrap_or_default().to_lowercase();
        log::warn!("{}: {why}", self.shown(path));
    }

    fn shown(&self, path: &TreePath) -> String {
        if path.is_root() {
            return self.name.clone();
        }
        format!("{}/{path}", self.name.trim_end_matches('/'))
    }
}

/// Whether a file of that size can have that signature, which is all that duplicity records.
fn fits(signature: &[u8], size: u64) -> bool {
    rsync::file_size(signature, signature.len() as u64).is_some_and(|sizes| sizes.contains(&size))
}
