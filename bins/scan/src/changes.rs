//! The walk beside the state of the last backup: what is new, what has changed, what is gone.

use std::time::{SystemTime, UNIX_EPOCH};

use archive::TreePath;
use local::Signatures;
use stream::member::Kind;
use stream::{Failure, Member, Status, Totals};

use crate::entry;
use crate::owners::Owners;
use crate::report::{News, Report, Told};
use crate::walk::{Found, Walk};

/// The comparison of a source with its last backup.
pub(crate) struct Changes<R> {
    walk: Walk,
    base: Option<Signatures>,
    report: R,
    owners: Owners,
    totals: Totals,
    /// What could not be read keeps its last state, with all that is below it.
    kept: Option<TreePath>,
}

impl<R: Report> Changes<R> {
    pub(crate) fn new(walk: Walk, base: Option<Signatures>, report: R) -> Changes<R> {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let start = u64::try_from(start).unwrap_or_default();
        Changes {
            walk,
            base,
            report,
            owners: Owners::default(),
            totals: Totals { start, ..Totals::default() },
            kept: None,
        }
    }

    /// Goes through the whole source.
    pub(crate) fn run(mut self) -> Result<Totals, Failure> {
        while let Some(found) = self.walk.advance()? {
            self.deleted_before(Some(&found.path))?;
            self.entry(found)?;
        }
        self.deleted_before(None)?;
        if let Some(why) = self.walk.hollow() {
            log::warn!("{}: {why}", self.walk.shown(&TreePath::root()));
        }
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
            log::info!("{}: a socket, not stored", self.walk.shown(&path));
            return Ok(());
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
        self.totals.source_files += 1;
        self.totals.source_bytes += if kind == Kind::File { size } else { 0 };
        let member = entry::member(kind, &stat, link, &mut self.owners);
        match self.compare(&path, &member, size)? {
            Some(news) => self.changed(&path, member, news),
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
        let Some(known) = base.peek().filter(|known| known.path == *path) else {
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
        log::warn!("{}: {}", self.walk.shown(path), plain(why));
    }
}

/// The system's words as ours are.
fn plain(why: &str) -> String {
    why.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Whether a file of that size can have that signature, which is all that duplicity records.
fn fits(signature: &[u8], size: u64) -> bool {
    rsync::file_size(signature, signature.len() as u64).is_some_and(|sizes| sizes.contains(&size))
}
