//! The backups of the configuration: one source after another, each to its stores, with the commands
//! that the configuration runs before and after, and what is deleted then.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use config::{Caller, Config, Line, List, Planned, Source, Store};
use failure::{Failure, Status};
use options::Call;

use crate::job::{Jobs, Worst};
use crate::{Each, say};

struct Backups<'a> {
    each: &'a Each,
    config: &'a Config,
    planned: &'a [Planned],
    jobs: Jobs,
    worst: Worst,
}

/// Runs them all, and returns the exit status of all. If one fails, the others still follow.
pub(crate) fn run(each: &Each, config: &Config, planned: &[Planned]) -> Result<u8, Failure> {
    let jobs = Jobs::start("backup")?;
    let mut backups = Backups { each, config, planned, jobs, worst: Worst::default() };
    if Call::read("backup", &each.words).is_some_and(|call| call.has("dry-run")) {
        return backups.list();
    }
    backups.ping("/start");
    if backups.hooks("before", &config.before, None, "")? {
        for (name, source) in &config.sources {
            if planned.iter().any(|one| one.source == *name) && backups.jobs.stopped().is_none() {
                backups.source(name, source)?;
            }
        }
    } else {
        backups.worst.note(Status::Failed.code());
    }
    backups.end()
}

impl Backups<'_> {
    /// What would be stored: nothing else runs.
    fn list(mut self) -> Result<u8, Failure> {
        for one in self.planned {
            let command = self.each.one("backup", &one.words)?;
            self.worst.note(self.jobs.run(command, &one.source)?);
        }
        Ok(self.status())
    }

    fn status(&self) -> u8 {
        self.jobs.stopped().unwrap_or(self.worst.status())
    }

    fn end(mut self) -> Result<u8, Failure> {
        let status = self.status();
        if status != 0 && !self.hooks("failed", &self.config.failed, Some(status), "")? {
            self.worst.note(Status::Failed.code());
        }
        if !self.hooks("after", &self.config.after, Some(status), "")? {
            self.worst.note(Status::Failed.code());
        }
        let status = self.status();
        self.ping(&if status == 0 { String::new() } else { format!("/{status}") });
        Ok(status)
    }

    /// A source, to each of its stores.
    fn source(&mut self, name: &str, source: &Source) -> Result<(), Failure> {
        let mut result = Worst::default();
        if self.hooks("before", &source.before, None, name)? {
            for one in self.planned.iter().filter(|one| *one.source == *name) {
                if let Some(store) =
                    self.config.stores.get(&one.store).filter(|_| self.jobs.stopped().is_none())
                {
                    result.note(self.store(source, store, one)?);
                }
            }
        } else {
            result.note(Status::Failed.code());
        }
        let status = self.jobs.stopped().unwrap_or(result.status());
        let failed = status == 0 || self.hooks("failed", &source.failed, Some(status), name)?;
        let after = self.hooks("after", &source.after, Some(status), name)?;
        self.worst.note(result.status());
        if !(failed && after) {
            self.worst.note(Status::Failed.code());
        }
        Ok(())
    }

    /// One backup. After a good one, what the rules do not keep goes.
    fn store(&self, source: &Source, store: &Store, one: &Planned) -> Result<u8, Failure> {
        let status = self.job("backup", one)?;
        if status != 0 || self.jobs.stopped().is_some() || !self.config.prunes(source, store) {
            return Ok(status);
        }
        let call = Call::read("prune", &self.prune_words(one)).unwrap_or_default();
        let planned = self.config.calls("prune", &call, &Caller::of_process())?;
        let status = planned.first().map_or(Ok(0), |prune| self.job("prune", prune))?;
        // An account that can only add files is no failure of the backup: moo prune says so.
        Ok(if status == Status::Refused.code() { 0 } else { status })
    }

    fn prune_words(&self, one: &Planned) -> Vec<OsString> {
        let backup = Call::read("backup", &self.each.words).unwrap_or_default();
        let user = backup.value("user").map(|user| {
            let mut word = OsString::from("--user=");
            word.push(user);
            word
        });
        let words = ["--force", &one.source, &one.store].map(OsString::from);
        user.into_iter().chain(words).collect()
    }

    fn job(&self, command: &str, one: &Planned) -> Result<u8, Failure> {
        let mut job = self.each.one(command, &one.words)?;
        job.stdin(Stdio::null());
        self.jobs.run(job, &one.source)
    }

    /// Runs commands in their order, up to the first that fails; whether none did.
    fn hooks(
        &self,
        key: &str,
        lines: &List<Line>,
        result: Option<u8>,
        source: &str,
    ) -> Result<bool, Failure> {
        for line in lines.iter() {
            let status = self.jobs.hook(line, result)?;
            if status != 0 {
                let of = if source.is_empty() { String::new() } else { format!("{source}: ") };
                say(&format!("moo backup: {of}{key}: {line}: exit status {status}"));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells the address of the configuration, as healthchecks takes it: begin, success, or the exit
    /// status. A backup is good without it.
    fn ping(&self, end: &str) {
        let Some(url) = &self.config.ping else { return };
        // It needs no privilege, and nothing that a user could have written: no file and no variable.
        let mut curl = Command::new("setpriv");
        curl.args(["--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--", "curl", "-q"]);
        curl.args(["-gfsS", "-m", "10", "--retry", "3", "-o", "/dev/null", "--"]);
        curl.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        curl.arg(format!("{}{end}", url.trim_end_matches('/'))).stdin(Stdio::null());
        match self.jobs.run(curl, "ping") {
            Ok(0) => {}
            Ok(status) => say(&format!("moo backup: ping: {url}: curl: exit status {status}")),
            Err(failure) => say(&format!("moo backup: ping: {failure}")),
        }
    }
}
