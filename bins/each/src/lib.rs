//! `moo-each` runs a command of `moo` for what its arguments mean: as it was typed, where they name a
//! store by its URL; else for each source and store of the configuration that they name.

mod backups;
mod checks;
pub mod job;
mod metrics;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use config::{Caller, Config, Planned, takes_names};
use failure::{Failure, OrFail, Status};
use options::Call;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Run a command of moo for each source and store that its arguments name
///
/// With a URL among the arguments, moo-each runs the command as it was typed. Otherwise the arguments
/// are names of the configuration, moobacker.toml(5): a source, a source and a store, a store, or
/// nothing for all. A backup runs the hooks of the configuration, and deletes old sets afterwards.
/// run-checks runs the checks of the configuration that are due.
#[derive(Parser, Debug)]
#[command(name = "moo-each", version, after_help = EXAMPLES)]
pub struct Each {
    /// Do the work of the process that moo-run runs
    #[arg(long, hide = true)]
    inner: bool,
    /// Folder with the scripts of the commands
    folder: PathBuf,
    /// Command, such as backup
    command: String,
    /// Arguments of the command; after --, none of them is an option of moo-each
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// The variable that the rules of `moo prune` set.
const RULE: &str = "rule";

const EXAMPLES: &str = "\
Examples:
  moo-each /usr/local/lib/moobacker/commands status file:///srv/backup
  moo-each /usr/local/lib/moobacker/commands status -- --json file:///srv/backup";

/// The `main` of the program.
pub fn main() -> ExitCode {
    cli::harden();
    let each: Each = match cli::arguments("moo-each", std::env::args_os()) {
        Ok(each) => each,
        Err(status) => return status,
    };
    match each.run() {
        Ok(status) => status.into(),
        Err(failure) if failure.is_closed_pipe() => cli::CLOSED_PIPE.into(),
        Err(failure) => {
            each.say(&failure);
            failure.status().code().into()
        }
    }
}

/// From here on this process dies when `moo-run` is killed, even if it was stopped before.
///
/// # Errors
/// It has ended already.
pub fn die_with_parent() -> Result<(), Failure> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL)).or_fail(Status::Failed, "moo-each")?;
    if getppid() == parent {
        return Ok(());
    }
    Err(Failure::new(Status::Failed, "moo-run has ended"))
}

/// A program beside this one.
///
/// # Errors
/// The system does not tell where this one is.
pub fn beside(name: &str) -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().or_fail(Status::Failed, name)?;
    Ok(own.with_file_name(name))
}

impl Each {
    /// Prints one line on standard error, which begins with the command.
    fn say(&self, message: &impl Display) {
        cli::say(&format!("moo {}", self.command), message);
    }

    fn run(&self) -> Result<u8, Failure> {
        let call = Call::read(&self.command, &self.words).unwrap_or_default();
        let given = call.value("config").map(PathBuf::from);
        if given.is_none() && call.has("config") {
            return Err(Failure::of(Status::Usage, "--config", "needs a value (see --help)"));
        }
        let found = given.clone().or_else(config::find);
        let of_names = !call.has("help") && takes_names(&self.command, &call);
        if of_names && found.is_none() && self.would_need_names(&call) {
            return Err(unconfigured(&self.command, &call));
        }
        let Some(path) = found.filter(|_| of_names) else {
            return match given {
                Some(_) if !call.has("help") => {
                    Err(Failure::of(Status::Usage, "--config", "needs names instead of a URL"))
                }
                _ => self.become_one(&self.words),
            };
        };
        let config = config::read(&path)?;
        let planned = config.calls(&self.command, &call, &Caller::of_process())?;
        let planned = self.with_rules(planned, &call)?;
        let planned = with_labels(self.deletable(planned, &config, &call)?, &call);
        for one in &planned {
            options::check(&self.command, &one.words)
                .map_err(|why| Failure::of(Status::Usage, &one.source, why))?;
        }
        if self.inner {
            die_with_parent()?;
        }
        let (backs_up, checks) =
            (self.command == "backup" && !call.has("dry-run"), self.command == "run-checks");
        match &planned[..] {
            [one] if !backs_up && !checks => self.become_one(&one.words),
            _ if !self.inner => self.become_inner(),
            _ if backs_up => backups::run(self, &config, &planned, &call),
            _ if checks => checks::run(self, &config, &planned, &call),
            _ if call.has("metrics") => self.print_metrics(&config, &planned),
            _ => self.run_all(&config, &planned),
        }
    }

    /// Whether nothing is wrong with the call but that there are no names, or no configuration that has them.
    fn would_need_names(&self, call: &Call) -> bool {
        let has_url = call.arguments.iter().any(|word| word.as_encoded_bytes().contains(&b':'));
        let lacks = |why: String| why.contains("required arguments were not provided");
        !has_url && options::check(&self.command, &self.words).map_or_else(lacks, |()| true)
    }

    /// Without those for which `moo prune` has no rule.
    fn with_rules(&self, planned: Vec<Planned>, call: &Call) -> Result<Vec<Planned>, Failure> {
        if self.command != "prune" {
            return Ok(planned);
        }
        if call.sets(&self.command, RULE) {
            return Ok(planned);
        }
        let has_rule = |one: &Planned| {
            Call::read(&self.command, &one.words).is_some_and(|call| call.sets(&self.command, RULE))
        };
        let kept: Vec<_> = planned.into_iter().filter(has_rule).collect();
        if kept.is_empty() {
            let why = "the configuration has no rules, such as keep = { full = 4 }; give --keep-full or another";
            return Err(Failure::new(Status::Usage, why));
        }
        Ok(kept)
    }

    /// Without those of stores that the configuration calls append-only, if something is to be deleted.
    fn deletable(
        &self,
        planned: Vec<Planned>,
        config: &Config,
        call: &Call,
    ) -> Result<Vec<Planned>, Failure> {
        if !matches!(&*self.command, "prune" | "cleanup") || !call.has("force") {
            return Ok(planned);
        }
        let is_kept =
            |one: &Planned| config.stores.get(&one.store).is_some_and(|store| store.append_only);
        let (kept, rest): (Vec<_>, Vec<_>) = planned.into_iter().partition(is_kept);
        let why = "append-only: nothing is deleted from here; run moo prune-remote on its machine";
        if let Some(one) = kept.first().filter(|_| rest.is_empty()) {
            return Err(Failure::of(Status::Refused, &one.store, why));
        }
        for one in kept.iter().filter(|_| !self.inner) {
            self.say(&format!("{}: {why}", config.title(one)));
        }
        Ok(rest)
    }

    /// `moo-run` with the command and these arguments.
    fn one(&self, command: &str, words: &[OsString]) -> Result<Command, Failure> {
        let mut run = Command::new(beside("moo-run")?);
        run.arg0("moo-run").arg(command).arg(self.folder.join(format!("{command}.sh"))).args(words);
        Ok(run)
    }

    /// Becomes the command.
    fn become_one(&self, words: &[OsString]) -> Result<u8, Failure> {
        Err(self.one(&self.command, words)?.exec()).or_fail(Status::Failed, "moo-run")
    }

    /// Becomes `moo-run` with this program in it: one process for the caller, that ends by itself.
    fn become_inner(&self) -> Result<u8, Failure> {
        let mut run = Command::new(beside("moo-run")?);
        run.arg0("moo-run")
            .args(["--forward", &self.command])
            .arg(beside("moo-each")?)
            .arg("--inner");
        run.arg(&self.folder).arg(&self.command).arg("--").args(&self.words);
        Err(run.exec()).or_fail(Status::Failed, "moo-run")
    }

    /// Runs the command for one after another. What it prints for people stands below what it is of.
    fn run_all(&self, config: &Config, planned: &[Planned]) -> Result<u8, Failure> {
        let jobs = job::Jobs::start(&self.command, planned.len() > 1)?;
        let mut worst = job::Worst::default();
        let for_people = !self.words.iter().any(|word| word == "--json");
        let heads = for_people && matches!(&*self.command, "status" | "prune" | "cleanup");
        for (index, one) in planned.iter().enumerate() {
            if jobs.stopped().is_some() {
                break;
            }
            if heads {
                let url =
                    config.stores.get(&one.store).map(|store| Config::url(store, &one.source));
                let gap = if index > 0 { "\n" } else { "" };
                let head =
                    format!("{gap}{} at {}: {}\n", one.source, one.store, url.unwrap_or_default());
                let printed = std::io::stdout().write_all(head.as_bytes());
                printed.map_err(|error| Failure::of_output(&error))?;
            }
            worst.note(jobs.run(self.one(&self.command, &one.words)?, &config.title(one))?);
        }
        Ok(jobs.stopped().unwrap_or(worst.status()))
    }

    /// Prints the metrics of all stores as one text.
    fn print_metrics(&self, config: &Config, planned: &[Planned]) -> Result<u8, Failure> {
        let jobs = job::Jobs::start(&self.command, planned.len() > 1)?;
        let mut worst = job::Worst::default();
        let mut metrics = metrics::Metrics::default();
        for one in planned {
            if let Some(status) = jobs.stopped() {
                return Ok(status);
            }
            let (status, text) =
                jobs.output(self.one(&self.command, &one.words)?, &config.title(one))?;
            worst.note(status);
            metrics.add(&String::from_utf8_lossy(&text));
        }
        let printed = std::io::stdout().write_all(metrics.text().as_bytes());
        printed.map_err(|error| Failure::of_output(&error))?;
        Ok(jobs.stopped().unwrap_or(worst.status()))
    }
}

/// What to do where names, or nothing, are given, and there is no configuration.
fn unconfigured(command: &str, call: &Call) -> Failure {
    let why = "there is no configuration: moo setup-local makes one, see moobacker.toml(5)";
    match call.arguments.first() {
        _ if command == "run-checks" => Failure::new(Status::Usage, why),
        None => Failure::new(Status::Usage, format!("needs a URL (see --help), because {why}")),
        Some(name) => Failure::of(
            Status::Usage,
            failure::shown(name),
            format!("not a url (such as file:///srv/backup), and {why}"),
        ),
    }
}

/// Metrics say by their labels which source and store they are of.
fn with_labels(mut planned: Vec<Planned>, call: &Call) -> Vec<Planned> {
    if call.has("metrics") {
        for one in &mut planned {
            let labels = [("source", &one.source), ("store", &one.store)];
            let given = |key: &str| call.value(&format!("label-{key}")).is_some();
            let labels = labels.into_iter().filter(|(key, _)| !given(key));
            let words: Vec<_> =
                labels.map(|(key, name)| OsString::from(format!("--label-{key}={name}"))).collect();
            one.words.splice(0..0, words);
        }
    }
    planned
}
