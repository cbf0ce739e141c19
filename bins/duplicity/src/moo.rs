//! Commands of `moo`: how they are run, and what they say.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, PipeReader, Read, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle, scope};

use cli::lifeline;
use each::job::Jobs;
use failure::Reason;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Deserialize;

use crate::action::Action;
use crate::advice;
use crate::code::Refusal;
use crate::journal::Journal;

/// How long a reader waits before it looks whether anybody is left to write.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// The longest line that is read as one.
const LONGEST: u64 = 64 << 10;

/// Runs commands of `moo` one after another.
pub(crate) struct Moo<'a> {
    journal: &'a Journal,
    jobs: Jobs,
    script: PathBuf,
    /// Variables that the options set, or unset.
    pub(crate) variables: Vec<(&'static str, Option<OsString>)>,
}

/// How a command has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: u8,
    pub(crate) reason: Reason,
    /// Its last message.
    pub(crate) said: String,
}

/// How far a command is.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Progress {
    #[serde(default)]
    pub(crate) files_done: u64,
    #[serde(default)]
    pub(crate) files_total: Option<u64>,
    #[serde(default)]
    pub(crate) bytes_done: u64,
    #[serde(default)]
    pub(crate) bytes_total: Option<u64>,
}

/// A line of `--progress=json`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Event {
    Progress(Progress),
    Message { text: String },
    Summary { reason: Option<String> },
}

/// What becomes of what a command says and prints.
pub(crate) struct Sink<O, P> {
    /// Takes each line of standard output, without its end.
    pub(crate) out: O,
    pub(crate) progress: P,
    /// Whether its messages are shown.
    pub(crate) shown: bool,
}

impl Ended {
    /// A failure, unless the status is one of these.
    pub(crate) fn unless(self, action: &Action, good: &[u8]) -> Result<u8, Refusal> {
        if good.contains(&self.status) {
            return Ok(self.status);
        }
        Err(Refusal::of(action, self.status, self.reason, self.said))
    }
}

impl<'a> Moo<'a> {
    /// From here on a signal ends what runs.
    ///
    /// # Errors
    /// There is no `moo`.
    pub(crate) fn start(journal: &'a Journal) -> Result<Moo<'a>, Refusal> {
        let failed = |failure: failure::Failure| Refusal::own(failure.to_string());
        let beside = each::beside("moo").map_err(failed)?;
        let mut places = vec![beside.clone()];
        // The programs of a checkout are in target/release.
        places.extend(beside.ancestors().nth(3).map(|top| top.join("pipelines/moo")));
        let script = places.into_iter().find(|place| place.is_file());
        let script =
            script.ok_or_else(|| Refusal::own("moo: not found beside moobacker-duplicity"))?;
        let jobs = Jobs::start("duplicity", false).map_err(failed)?;
        Ok(Moo { journal, jobs, script, variables: Vec::new() })
    }

    /// The exit status that a signal has asked for.
    pub(crate) fn stopped(&self) -> Option<u8> {
        self.jobs.stopped()
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// It can't be started.
    pub(crate) fn run<O, P>(
        &self,
        command: &str,
        words: &[OsString],
        sink: Sink<O, P>,
    ) -> Result<Ended, Refusal>
    where
        O: FnMut(&[u8]) + Send,
        P: FnMut(&Progress) + Send,
    {
        let failed =
            |error: &dyn std::fmt::Display| Refusal::own(format!("moo {command}: {error}"));
        let (out, to_out) = pipe().map_err(|error| failed(&error))?;
        let (err, to_err) = pipe().map_err(|error| failed(&error))?;
        let mut moo = Command::new(&self.script);
        moo.arg(command).args(words).stdout(to_out).stderr(to_err);
        for (name, value) in &self.variables {
            match value {
                Some(value) => moo.env(name, value),
                None => moo.env_remove(name),
            };
        }
        let events = if self.journal.listens() { Some(handed_down()?) } else { None };
        let (events, to_events) = events.unzip();
        if let Some(pipe) = &to_events {
            moo.env(progress::EVENTS, lifeline::value(pipe).map_err(|error| failed(&error))?);
        }
        let ended = AtomicBool::new(false);
        scope(|scope| {
            let (ended, journal) = (&ended, self.journal);
            let followed = events.map(|pipe| scope.spawn(move || follow(pipe, ended, journal)));
            let printed = print(scope, out, sink.out);
            let journal = Some(self.journal).filter(|_| sink.shown);
            let said = scope.spawn(move || listen(err, journal, sink.progress));
            // The command is dropped with its ends of the pipes when it has ended.
            let status = self.jobs.run(moo, command).map_err(|error| failed(&error));
            ended.store(true, Ordering::SeqCst);
            let status = status?;
            drop(to_events);
            // No thread has anything that panics.
            let _ = followed.map(ScopedJoinHandle::join);
            let _ = printed.join();
            let (reason, said) = said.join().unwrap_or((Reason::Other, None));
            let is_failure = !matches!(status, 0 | 3);
            if let (Some(journal), Some(said), false) = (journal, &said, is_failure) {
                journal.warning(said);
            }
            let said = said.unwrap_or_else(|| format!("moo {command}: exit status {status}"));
            Ok(Ended { status, reason, said })
        })
    }

    /// Runs a command and returns what it prints.
    ///
    /// # Errors
    /// It can't be started.
    pub(crate) fn output(
        &self,
        command: &str,
        words: &[OsString],
        shown: bool,
    ) -> Result<(Ended, Vec<Vec<u8>>), Refusal> {
        let mut lines = Vec::new();
        let out = |line: &[u8]| lines.push(line.to_vec());
        let ended = self.run(command, words, Sink { out, progress: |_: &_| (), shown })?;
        Ok((ended, lines))
    }
}

/// A pipe whose write end is inherited by what is started.
fn handed_down() -> Result<(PipeReader, OwnedFd), Refusal> {
    let make = || {
        let (reader, writer) = pipe()?;
        Ok((reader, lifeline::hand_down(&writer)?))
    };
    make().map_err(|error: std::io::Error| Refusal::own(format!("a pipe: {error}")))
}

/// Follows what the stages do, until they have ended: a daemon that they have started may keep the pipe open.
fn follow(from: PipeReader, ended: &AtomicBool, journal: &Journal) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        let last = ended.load(Ordering::SeqCst);
        let waiting = from.buffer().is_empty() && {
            let mut wanted = [PollFd::new(from.get_ref(), PollFlags::IN)];
            poll(&mut wanted, Some(&PAUSE)).is_ok_and(|count| count == 0)
        };
        match waiting {
            true if last => return,
            true => {}
            false => match from.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                Ok(read) if read > 0 => crate::event::tell(&std::mem::take(&mut line), journal),
                _ => return,
            },
        }
    }
}

fn print<'s, 'e, O: FnMut(&[u8]) + Send + 's>(
    scope: &'s Scope<'s, 'e>,
    from: PipeReader,
    mut out: O,
) -> ScopedJoinHandle<'s, ()> {
    scope.spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            out(line.strip_suffix(b"\n").unwrap_or(&line));
            line.clear();
        }
    })
}

/// Reads what a command says. All messages but the last are shown as warnings: that one may be the reason of
/// a failure. Returns the reason and that message.
fn listen(
    from: PipeReader,
    journal: Option<&Journal>,
    mut progress: impl FnMut(&Progress),
) -> (Reason, Option<String>) {
    let mut from = BufReader::new(from);
    let (mut reason, mut last) = (Reason::Other, None);
    let mut line = Vec::new();
    while from.by_ref().take(LONGEST).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&std::mem::take(&mut line)).trim_end().to_owned();
        match serde_json::from_str(&text) {
            Ok(Event::Progress(now)) => progress(&now),
            Ok(Event::Message { text }) => journal.iter().for_each(|to| to.notice(&text)),
            Ok(Event::Summary { reason: name }) => {
                reason = name.map_or(Reason::Other, |name| Reason::from_name(&name));
            }
            Err(_) => {
                let text = advice::translated(&text);
                if let (Some(journal), Some(before)) = (journal, last.replace(text)) {
                    journal.warning(&before);
                }
            }
        }
    }
    (reason, last)
}

/// `--LONG=VALUE`.
pub(crate) fn word(long: &str, value: impl Into<OsString>) -> OsString {
    OsString::from_vec([b"--", long.as_bytes(), b"=", &value.into().into_vec()].concat())
}
