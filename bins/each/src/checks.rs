//! The checks of the configuration: for each source and store, the age of the newest set, and what is due.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use config::{Age, Caller, Config, Planned};
use failure::{Failure, OrFail, Status, shown};
use options::Call;

use crate::Each;
use crate::job::{Jobs, Worst};

/// Where root remembers when a check was last successful.
const OF_ROOT: &str = "/var/lib/moobacker-checks";

struct Checks<'a> {
    each: &'a Each,
    config: &'a Config,
    call: &'a Call,
    caller: Caller,
    folder: PathBuf,
    jobs: Jobs,
    worst: Worst,
}

/// Runs the checks that are due, and returns the exit status of all. If one fails, the others still follow.
pub(crate) fn run(
    each: &Each,
    config: &Config,
    planned: &[Planned],
    call: &Call,
) -> Result<u8, Failure> {
    let wanted = &config.checks;
    if wanted.is_empty() {
        let why = "the configuration has no checks; add [checks] with max-age = \"8D\" or another";
        return Err(Failure::new(Status::Usage, why));
    }
    let caller = Caller::of_process();
    let folder = folder(&caller)?;
    let jobs = Jobs::start("run-checks", planned.len() > 1)?;
    let mut checks = Checks { each, config, call, caller, folder, jobs, worst: Worst::default() };
    let drill = wanted.drill.as_ref().filter(|_| checks.can_decrypt());
    for one in planned {
        if let Some(age) = &wanted.max_age {
            checks.job("status", &[format!("--max-age={age}")], one)?;
        }
        if let Some(age) = &wanted.verify {
            checks.if_due("verify", age, &["--quick".to_owned()], one)?;
        }
        if let Some(age) = drill {
            checks.if_due("drill", age, &[], one)?;
        }
    }
    Ok(checks.jobs.stopped().unwrap_or(checks.worst.status()))
}

/// The folder in which a file for each check bears the time of its last success.
fn folder(caller: &Caller) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let state = || {
        let home = || absolute("HOME").map(|home| home.join(".local/state"));
        absolute("XDG_STATE_HOME").or_else(home).map(|state| state.join("moobacker/checks"))
    };
    let folder = if caller.root { Some(PathBuf::from(OF_ROOT)) } else { state() };
    folder.ok_or_else(|| Failure::of(Status::Failed, "HOME", "is not set; set it"))
}

impl Checks<'_> {
    /// Whether a drill has what it needs; a line says so if not.
    fn can_decrypt(&mut self) -> bool {
        let config = self.config;
        let symmetric = config.encrypt_key.iter().next().is_none();
        if config.secret_key.is_some() || symmetric {
            return true;
        }
        let why =
            "drill: skipped: the configuration has no secret-key; run moo drill where the key is";
        self.each.say(&why);
        self.worst.note(Status::Partial.code());
        false
    }

    /// Runs a check if its last success is too old, and remembers a new one.
    fn if_due(
        &mut self,
        command: &str,
        age: &Age,
        options: &[String],
        one: &Planned,
    ) -> Result<(), Failure> {
        let file = self.folder.join(format!("{}.{}.{command}", one.source, one.store));
        let last = fs::metadata(&file).and_then(|file| file.modified());
        if last.is_ok_and(|last| !age.is_nearly_over(last)) {
            return Ok(());
        }
        if self.job(command, options, one)? == Some(0)
            && let Err(failure) = remember(&self.folder, &file)
        {
            self.each.say(&failure);
            self.worst.note(failure.status().code());
        }
        Ok(())
    }

    /// Runs a command for one source and store, with the options of this call; its exit status, if it ran.
    fn job(
        &mut self,
        command: &str,
        options: &[String],
        one: &Planned,
    ) -> Result<Option<u8>, Failure> {
        if self.jobs.stopped().is_some() {
            return Ok(None);
        }
        let mut call = self.call.clone();
        call.options.extend(options.iter().map(|option| vec![OsString::from(option)]));
        call.arguments = [&one.source, &one.store].map(|name| OsString::from(&**name)).into();
        let Some(planned) = self.config.calls(command, &call, &self.caller)?.pop() else {
            return Ok(None);
        };
        let mut job = self.each.one(command, &planned.words)?;
        job.stdin(Stdio::null());
        let status = self.jobs.run(job, &self.config.title(one))?;
        self.worst.note(status);
        Ok(Some(status))
    }
}

/// Gives the file of a check the time of now.
fn remember(folder: &Path, file: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.or_fail(Status::Failed, shown(folder))?;
    fs::write(file, "The time of this file is that of the last success.\n")
        .or_fail(Status::Failed, shown(file))
}
