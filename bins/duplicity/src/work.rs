//! The actions of duplicity, each as calls of commands of `moo`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::action::Action;
use crate::code::Refusal;
use crate::difference::Differences;
use crate::journal::{Journal, Level, code, quoted};
use crate::moo::{Ended, Moo, Progress, Sink, word};
use crate::request::Request;
use crate::survey::{self, Survey};
use crate::url::Url;
use crate::{listing, settings, value};

/// A request, and what it takes to do it.
pub(crate) struct Work<'a> {
    pub(crate) request: &'a Request,
    pub(crate) journal: &'a Journal,
    pub(crate) moo: Moo<'a>,
}

/// What a backup would store.
#[derive(Default)]
struct Changes {
    /// The bytes in it; none if nothing has changed.
    size: Option<u64>,
    /// The lines of its statistics.
    statistics: Vec<String>,
}

/// What the lines of a dry run begin with that name a change. A socket is never stored; all others are
/// statistics.
const KINDS: [&[u8]; 4] = [b"new ", b"changed ", b"deleted ", b"reread "];

impl Work<'_> {
    /// The words of a command, with those of the store at its end.
    pub(crate) fn words(
        &self,
        command: &str,
        own: Vec<OsString>,
        arguments: &[&OsStr],
    ) -> Vec<OsString> {
        let mut words = settings::words(self.request, command, self.journal);
        words.extend(own);
        words.push("--".into());
        words.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        words
    }

    /// Whether an option was given.
    pub(crate) fn has(&self, long: &str) -> bool {
        self.request.line.has(long)
    }

    pub(crate) fn url(&self) -> &OsStr {
        &self.request.url.ours
    }

    /// Runs a command whose output is shown as it comes.
    fn run(
        &self,
        command: &str,
        words: &[OsString],
        out: impl FnMut(&[u8]) + Send,
    ) -> Result<Ended, Refusal> {
        let progress = |now: &Progress| self.tell(now);
        self.moo.run(command, words, Sink { out, progress, shown: true })
    }

    /// Says how far a command is: a backup in bytes, others in files of the store.
    fn tell(&self, now: &Progress) {
        let (done, total) = match self.request.action.backs_up() {
            true => (now.bytes_done, now.bytes_total),
            false => (now.files_done, now.files_total),
        };
        let total = total.map_or_else(String::new, |total| format!(" {total}"));
        let of = if total.is_empty() { String::new() } else { format!(" of{total}") };
        self.journal.event(
            Level::Info,
            code::PROGRESS,
            &format!("{done}{total}"),
            &format!("Processed {done}{of}"),
        );
        if self.has("progress") {
            self.journal.put(
                Level::Notice,
                code::UPLOAD_PROGRESS,
                "",
                &format!("Processed {done}{of}"),
            );
        }
    }

    pub(crate) fn synchronized(&self, survey: &Survey) {
        if !survey.is_ahead() {
            self.journal.notice("Local and Remote metadata are synchronized, no sync needed.");
        }
        survey.announce(self.journal);
    }

    pub(crate) fn back_up(&self, survey: &Survey, mut own: Vec<OsString>) -> Result<u8, Refusal> {
        let action = &self.request.action;
        if *action == Action::Full || self.has("dry-run") {
            if survey.is_ahead() {
                self.journal.notice("The archive directory is not synchronized in a dry run.");
            }
            self.synchronized(survey);
        } else {
            survey::synchronize(&self.moo, self.request, survey, self.journal)?;
            survey.announce(self.journal);
        }
        if self.is_refused(survey) {
            let text = "Fatal Error: Unable to start incremental backup.  Old signatures not found and \
                        incremental specified";
            return Err(Refusal::new(17, "", text));
        }
        own.extend(self.oldest_full()?);
        if self.has("skip-if-no-change")
            && self.changes(OsString::new(), own.clone())?.size.is_none()
        {
            self.journal.notice("No changes found. Skipping backup.");
            return Ok(0);
        }
        if !self.has("no-print-statistics") {
            own.push("--stats".into());
        }
        if self.has("dry-run") {
            let Changes { size, statistics } = self.changes(self.kind(survey)?, own)?;
            self.journal.event(
                Level::Info,
                code::PROGRESS,
                &size.unwrap_or_default().to_string(),
                "Processed volume 1",
            );
            self.tell_statistics(&statistics);
            return Ok(0);
        }
        let mut words = vec![self.kind(survey)?];
        words.retain(|kind| !kind.is_empty());
        words.extend(self.words("backup", own, &[&self.request.local, self.url()]));
        let mut statistics = Vec::new();
        let out = |line: &[u8]| statistics.push(String::from_utf8_lossy(line).into_owned());
        let ended = self.run("backup", &words, out)?;
        let foreign = ended.reason == failure::Reason::ForeignSets;
        ended.unless(action, &[0, 3]).map_err(|refusal| self.of_host(refusal, foreign, survey))?;
        self.tell_statistics(&statistics);
        Ok(0)
    }

    fn tell_statistics(&self, lines: &[String]) {
        if !lines.is_empty() {
            self.journal.notice(&(lines.join("\n") + "\n"));
        }
    }

    /// Whether an increment is asked for, and nothing is there that it could extend.
    fn is_refused(&self, survey: &Survey) -> bool {
        self.request.action == Action::Incremental && survey.chains.is_empty()
    }

    /// How many increments a full set may have, if that is limited.
    fn most_increments(&self) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.request.line.value("full-if-n-inc") else { return Ok(None) };
        let number = text.to_str().and_then(|text| text.parse().ok());
        number.map(Some).ok_or_else(|| {
            Refusal::usage(format!("--full-if-n-inc: {}: not a number", failure::shown(text)))
        })
    }

    /// The word for the type of the set to make. Without a word, `moo backup` decides.
    fn kind(&self, survey: &Survey) -> Result<OsString, Refusal> {
        let most = self.most_increments()?;
        Ok(match self.request.action {
            Action::Full => "full".into(),
            _ if most.is_some_and(|most| most > 0 && survey.increments() >= most) => "full".into(),
            // A chain that is there may be too old.
            Action::Incremental if survey.chains.is_empty() || !self.has("full-if-older-than") => {
                "inc".into()
            }
            _ => OsString::new(),
        })
    }

    /// duplicity tells a store of another host from one of another source.
    fn of_host(&self, refusal: Refusal, is_foreign: bool, survey: &Survey) -> Refusal {
        let here = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        match survey.host().filter(|host| is_foreign && *host != here.trim()) {
            Some(host) => {
                let extra =
                    format!("{} {}", quoted(here.trim().as_bytes()), quoted(host.as_bytes()));
                Refusal { code: 3, extra, ..refusal }
            }
            None => refusal,
        }
    }

    /// The option of `moo backup` for `--full-if-older-than`, which takes an age.
    fn oldest_full(&self) -> Result<Option<OsString>, Refusal> {
        let oldest = self.request.line.value("full-if-older-than").map(value::age).transpose();
        Ok(oldest.map_err(Refusal::usage)?.map(|age| word("full-if-older-than", age)))
    }

    /// Lists what a backup would store.
    fn changes(&self, kind: OsString, mut own: Vec<OsString>) -> Result<Changes, Refusal> {
        own.push("--dry-run".into());
        let mut words = vec![kind];
        words.retain(|kind| !kind.is_empty());
        words.extend(self.words("backup", own, &[&self.request.local, self.url()]));
        let mut changes = Changes::default();
        let out = |line: &[u8]| match KINDS.iter().any(|kind| line.starts_with(kind)) {
            true => changes.size = Some(changes.size.unwrap_or(0) + self.change(line)),
            false if line.starts_with(b"socket ") => {}
            false => changes.statistics.push(String::from_utf8_lossy(line).into_owned()),
        };
        let ended = self.run("backup", &words, out)?;
        ended.unless(&self.request.action, &[0, 3])?;
        Ok(changes)
    }

    /// Tells of a change: `new      PATH`. Returns the bytes in the file.
    fn change(&self, line: &[u8]) -> u64 {
        let (what, path) = line.split_at(line.len().min(9));
        let path = archive::unescape(&String::from_utf8_lossy(path)).unwrap_or_default();
        let (letter, code) = match what.first() {
            Some(b'n') => ('A', code::FILE_NEW),
            Some(b'd') => ('D', code::FILE_DELETED),
            _ => ('M', code::FILE_CHANGED),
        };
        let text = format!("{letter} {}", String::from_utf8_lossy(&path));
        self.journal.put(Level::Info, code, &quoted(&path), &text);
        let source = Path::new(&self.request.local);
        let whole =
            if path == b"." { source.to_owned() } else { source.join(OsString::from_vec(path)) };
        whole.symlink_metadata().map_or(0, |found| if found.is_file() { found.len() } else { 0 })
    }

    pub(crate) fn restore(&self, survey: &Survey, selection: Vec<OsString>) -> Result<u8, Refusal> {
        self.synchronized(survey);
        if self.has("dry-run") {
            let mut words = self.words("verify", self.now(), &[self.url()]);
            if self.paths().count() > 1 {
                // They are in what is checked then.
                words.retain(|word| !word.as_bytes().starts_with(b"--path="));
            }
            return self
                .run("verify", &words, |_| ())?
                .unless(&self.request.action, &[0, 3])
                .map(|_| 0);
        }
        let is_selection = !selection.is_empty();
        let mut own = selection;
        own.extend(self.has("force").then(|| "--force".into()));
        let words = self.words("restore", own, &[self.url(), &self.request.local]);
        let ended = self.run("restore", &words, |_| ())?;
        if ended.reason == failure::Reason::NoSuchPath {
            return Err(match (self.paths().next_back(), is_selection) {
                (Some(path), false) => Refusal::new(
                    19,
                    "",
                    format!("{} not found in archive - no files restored.", failure::shown(path)),
                ),
                _ => Refusal::new(20, "", "No files found in archive - nothing restored."),
            });
        }
        ended.unless(&self.request.action, &[0, 3]).map(|_| 0)
    }

    /// The newest state alone, and not all chains, unless a time is given.
    fn now(&self) -> Vec<OsString> {
        if self.has("restore-time") { Vec::new() } else { vec!["--time=now".into()] }
    }

    pub(crate) fn verify(&self, survey: &Survey, selection: Vec<OsString>) -> Result<u8, Refusal> {
        self.synchronized(survey);
        let mut differences = Differences::default();
        let ended = match self.has("compare-data") {
            true => {
                let words = self.words("verify", selection, &[self.url(), &self.request.local]);
                self.run("verify", &words, |line| differences.add(line, self.journal))?
            }
            false => {
                let words = self.words("verify", self.now(), &[self.url()]);
                self.run("verify", &words, |_| ())?
            }
        };
        ended.unless(&self.request.action, &[0, 3])?;
        let compared = self.count()? + differences.new;
        let found = differences.count;
        self.journal.notice(&format!(
            "Verify complete: {compared} files compared, {found} differences found."
        ));
        Ok(u8::from(found > 0))
    }

    /// How many entries the state has.
    fn count(&self) -> Result<u64, Refusal> {
        let mut count = 0;
        let words = self.words("list", vec!["--json".into()], &self.listed());
        let sink = Sink { out: |_: &[u8]| count += 1, progress: |_: &_| (), shown: false };
        self.moo.run("list", &words, sink)?;
        Ok(count)
    }

    /// The paths that are asked for.
    fn paths(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        let paths: Vec<_> = self.request.line.values("path-to-restore").collect();
        paths.into_iter().filter(|path| !path.is_empty())
    }

    /// The store, and the paths that are asked for.
    fn listed(&self) -> Vec<&OsStr> {
        std::iter::once(self.url()).chain(self.paths()).collect()
    }

    pub(crate) fn list(&self, survey: &Survey) -> Result<u8, Refusal> {
        survey::synchronize(&self.moo, self.request, survey, self.journal)?;
        survey.announce(self.journal);
        if survey.chains.is_empty() {
            return Err(Refusal::new(
                30,
                "CollectionsError",
                "No signature chains found".to_owned(),
            ));
        }
        let words = self.words("list", vec!["--json".into()], &self.listed());
        let out = |line: &[u8]| {
            listing::print(line, self.journal);
        };
        self.run("list", &words, out)?.unless(&self.request.action, &[0, 3]).map(|_| 0)
    }

    pub(crate) fn replicate(&self) -> Result<u8, Refusal> {
        let Some(target) = &self.request.target else { return Ok(0) };
        // Other keys than those of the store were asked for.
        let keys = ["encrypt-key", "hidden-encrypt-key", "encrypt-sign-key", "no-encryption"];
        let command = if keys.iter().any(|key| self.has(key)) { "rekey" } else { "replicate" };
        if self.has("dry-run") {
            return self.replicate_nothing(target);
        }
        let mut words = settings::words(self.request, command, self.journal);
        words.retain(|word| !word.as_bytes().starts_with(b"--name="));
        words.push("--".into());
        words.extend([self.url().to_owned(), target.ours.clone()]);
        self.run(command, &words, |_| ())?.unless(&self.request.action, &[0, 3]).map(|_| 0)
    }

    /// Lists the sets that would be copied.
    fn replicate_nothing(&self, target: &Url) -> Result<u8, Refusal> {
        let of = |url| Survey::of(&self.moo, self.request, url, self.journal);
        let sets = of(&self.request.url)?.beyond(&of(target)?);
        for set in sets {
            self.journal.notice(&format!("Would copy the {set}"));
        }
        Ok(0)
    }

    /// A rule of `moo prune`.
    pub(crate) fn rule(&self) -> OsString {
        match &self.request.action {
            Action::RemoveOlderThan(time) => word("older-than", time),
            Action::RemoveAllIncOfButNFull(count) => word("keep-inc-of-full", count),
            Action::RemoveAllButNFull(count) => word("keep-full", count),
            _ => OsString::new(),
        }
    }
}
