//! The backups of the configuration: one source after another, each to its stores, with the commands
//! that the configuration runs before and after, and what is deleted then.

use std::io::{Write, pipe};
use std::process::{Command, Stdio};

use cli::legible;
use config::{Caller, Config, Line, List, Planned, Source};
use failure::{Failure, OrFail, Status};
use options::Call;

use crate::Each;
use crate::job::{Jobs, Worst};

struct Backups<'a> {
    each: &'a Each,
    config: &'a Config,
    planned: &'a [Planned],
    call: &'a Call,
    jobs: Jobs,
    worst: Worst,
}

/// Runs them all, and returns the exit status of all. If one fails, the others still follow.
pub(crate) fn run(
    each: &Each,
    config: &Config,
    planned: &[Planned],
    call: &Call,
) -> Result<u8, Failure> {
    let jobs = Jobs::start("backup", planned.len() > 1)?;
    let mut backups = Backups { each, config, planned, call, jobs, worst: Worst::default() };
    backups.ping("/start");
    if !backups.has_keys() {
        backups.worst.note(Status::Key.code());
    } else if backups.hooks("before", &config.before, None, "")? {
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
    fn status(&self) -> u8 {
        self.jobs.stopped().unwrap_or(self.worst.status())
    }

    /// Whether the keys are there. What is missing is said once, and not by a stage of each source.
    fn has_keys(&self) -> bool {
        let mut missing = self.config.missing_keys().peekable();
        let found = missing.peek().is_none();
        for (what, key) in missing {
            let key = legible::name(key.as_bytes());
            self.each.say(&format!(
                "{what}: {key}: no such file; finish the setup: moo setup-local --host-key SHA256:… --kit FILE"
            ));
        }
        found
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
                if self.jobs.stopped().is_none() {
                    result.note(self.store(one)?);
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
    fn store(&self, one: &Planned) -> Result<u8, Failure> {
        let status = self.job("backup", one)?;
        self.jobs.tell(status, &self.config.title(one));
        if status != 0 || self.jobs.stopped().is_some() {
            return Ok(status);
        }
        let user = self.call.value("user");
        let prune = self.config.prune_after(one, user, &Caller::of_process())?;
        let status = prune.map_or(Ok(0), |prune| self.job("prune", &prune))?;
        // An account that can only add files is no failure of the backup: moo prune says so.
        if status == Status::Refused.code() {
            return Ok(0);
        }
        self.jobs.tell(status, &self.config.title(one));
        Ok(status)
    }

    fn job(&self, command: &str, one: &Planned) -> Result<u8, Failure> {
        let mut job = self.each.one(command, &one.words)?;
        job.stdin(Stdio::null());
        self.jobs.run_silently(job)
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
                self.each.say(&format!("{of}{key}: {line}: exit status {status}"));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reports the start, the success or the exit status to the URL of the configuration, in the form that
    /// healthchecks takes. A backup is good without it.
    fn ping(&self, end: &str) {
        let Some(url) = &self.config.ping else { return };
        if let Err(failure) = self.request(url, end) {
            self.each.say(&format!("ping: {failure}"));
        }
    }

    fn request(&self, url: &str, end: &str) -> Result<(), Failure> {
        // Everybody sees arguments, and who knows the URL can report a success.
        let (reader, mut writer) = pipe().or_fail(Status::Failed, "a pipe")?;
        writeln!(writer, "url = \"{}{end}\"", url.trim_end_matches('/'))
            .or_fail(Status::Failed, "a pipe")?;
        drop(writer);
        // It needs no privilege, and nothing that a user could have written: no file and no variable.
        let mut curl = Command::new("setpriv");
        curl.args(["--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--", "curl", "-q"]);
        curl.args(["-gfsS", "-m", "10", "--retry", "3", "-o", "/dev/null", "--config", "-"]);
        curl.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        curl.stdin(reader);
        match self.jobs.run_silently(curl)? {
            0 => Ok(()),
            status => Err(Failure::of(Status::Failed, url, format!("curl: exit status {status}"))),
        }
    }
}
