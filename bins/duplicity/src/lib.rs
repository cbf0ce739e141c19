//! `moobacker-duplicity` takes the command line of duplicity and runs the commands of `moo`: for the
//! programs and scripts that know only duplicity.
//!
//! The call is read and checked first. Then the process becomes `moo-run` with this program in it, so that
//! it is one process for its caller; the inner one runs `moo`, and says what duplicity would say.

mod action;
mod advice;
mod changes;
mod code;
mod command_line;
mod definition;
mod difference;
mod event;
mod journal;
mod listing;
mod moo;
mod option;
mod perform;
mod removal;
mod request;
mod selected;
mod settings;
mod survey;
mod table;
mod typed;
mod url;
mod value;
mod work;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::CommandFactory;
use failure::{Failure, OrFail, Status};

use crate::code::Refusal;
use crate::command_line::{Asked, CommandLine};
use crate::journal::Journal;
use crate::request::Request;

/// The version of duplicity whose command line and texts these are.
const VERSION: &str = "3.0.4";

/// The word that says that this is the process inside of `moo-run`.
const INNER: &str = "--moobacker-inner";

/// The definition of the command line, for the manual and the completions.
#[derive(Debug)]
pub struct Duplicity;

impl CommandFactory for Duplicity {
    fn command() -> clap::Command {
        definition::command()
    }

    fn command_for_update() -> clap::Command {
        definition::command()
    }
}

/// The `main` of the program.
pub fn main() -> ExitCode {
    cli::harden();
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let inner = words.first().is_some_and(|word| word == INNER);
    if inner {
        words.remove(0);
    }
    let asked = match CommandLine::read(words.iter().cloned()) {
        Ok(asked) => asked,
        Err(refusal) => {
            let line = CommandLine::partly(words.into_iter());
            let journal = Journal::open(&line).unwrap_or_else(|_| Journal::plain());
            return ended(&journal, &refusal);
        }
    };
    let line = match asked {
        Asked::Text(text) => return printed(&text),
        Asked::Work(line) if line.has("version") => {
            // Déjà Dup takes the last word of all for the version: `--help` says whose program it is.
            return printed(&format!("duplicity {VERSION}\n"));
        }
        Asked::Work(line) => line,
    };
    let journal = match Journal::open(&line) {
        Ok(journal) => journal,
        Err(refusal) => return ended(&Journal::plain(), &refusal),
    };
    let request = match Request::of(line) {
        Ok(request) => request,
        Err(refusal) => return ended(&journal, &refusal),
    };
    let done = if inner { work(&request, &journal) } else { become_inner(&words) };
    match done {
        Ok(status) => status.into(),
        Err(refusal) => ended(&journal, &refusal),
    }
}

fn work(request: &Request, journal: &Journal) -> Result<u8, Refusal> {
    each::die_with_parent().map_err(|failure| Refusal::own(failure.to_string()))?;
    perform::perform(request, journal)
}

/// Becomes `moo-run` with this program in it: one process for the caller, however it is ended.
fn become_inner(words: &[OsString]) -> Result<u8, Refusal> {
    let run = || -> Result<u8, Failure> {
        let own = std::env::current_exe().or_fail(Status::Failed, "moobacker-duplicity")?;
        let mut run = Command::new(each::beside("moo-run")?);
        run.arg0("moo-run").args(["--forward", "duplicity"]).arg(own).arg(INNER).args(words);
        Err(run.exec()).or_fail(Status::Failed, "moo-run")
    };
    run().map_err(|failure| Refusal::own(failure.to_string()))
}

fn ended(journal: &Journal, refusal: &Refusal) -> ExitCode {
    journal.error(refusal);
    refusal.code.into()
}

/// Text into a pager that was closed is no failure.
fn printed(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
