//! From `main` to the exit status.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use failure::{Failure, Status, legible, shown};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use signal_hook::consts::SIGXFSZ;
use stream::{Outlet, Totals};

use crate::messages::{self, Verbosity};
use crate::processor_time;
use crate::{form, lifeline};

/// Arguments of all programs.
#[derive(clap::Args, Clone, Debug)]
pub struct Common {
    /// Print messages of this level and above: error, warning, notice, info, debug, or 0 to 9
    #[arg(
        short,
        long,
        value_name = "LEVEL",
        default_value = "warning",
        global = true,
        overrides_with = "verbosity"
    )]
    pub verbosity: Verbosity,
}

/// A program: its arguments and its work.
pub trait Program: Parser {
    /// Its name, as messages begin with.
    const NAME: &'static str;
    /// What it has on standard output.
    type Outlet: Outlet;

    /// The arguments that all programs have.
    fn common(&self) -> &Common;

    /// Whether a call with these arguments writes a stream to standard output. Other calls may
    /// write text there.
    fn has_stream(_words: &[OsString]) -> bool {
        true
    }

    /// Does the work, and returns the counts of all stages so far.
    fn run(self, outlet: &mut Self::Outlet) -> Result<Totals, Failure>;
}

/// The exit status of a process that a closed pipe has killed, as a shell shows it.
pub const CLOSED_PIPE: u8 = 128 + 13;

/// The `main` of a program.
pub fn main<P: Program>() -> ExitCode {
    harden();
    lifeline::watch();
    processor_time::watch(P::NAME);
    let words: Vec<_> = std::env::args_os().collect();
    let arguments = match P::try_parse_from(&words) {
        Ok(program) => Ok(program),
        Err(error) if asked(&error) => {
            // Help into a pager that was closed is no failure.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(misused(&error, &words)),
    };
    let done = P::Outlet::deliver(P::NAME, |outlet| {
        if !P::has_stream(&words) {
            outlet.leave();
        }
        let program = arguments?;
        messages::start(P::NAME, program.common().verbosity);
        program.run(outlet)
    });
    match done {
        Ok(totals) if totals.lost > 0 => Status::Integrity.code().into(),
        Ok(totals) if totals.unreadable > 0 => Status::Partial.code().into(),
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => exit(P::NAME, &failure),
    }
}

/// Reads the arguments of a program that is no stage and whose messages begin with `name`.
///
/// # Errors
/// Help was printed, or what is wrong: the exit status.
pub fn arguments<P: Parser>(
    name: &str,
    words: impl Iterator<Item = OsString>,
) -> Result<P, ExitCode> {
    P::try_parse_from(words).map_err(|error| {
        if error.use_stderr() {
            messages::say(name, &misuse(&error));
            return Status::Usage.code().into();
        }
        // Help into a pager that was closed is no failure.
        let _ = error.print();
        ExitCode::SUCCESS
    })
}

/// Makes the process undumpable: other processes of the user cannot take its descriptors, trace it
/// or read its memory, and it leaves no core file. A write beyond the limit of file sizes fails
/// instead of killing the process.
pub fn harden() {
    // A kernel that refuses leaves the process as open as any other.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

fn exit(stage: &str, failure: &Failure) -> ExitCode {
    if failure.is_closed_pipe() {
        return CLOSED_PIPE.into();
    }
    // Others that were killed are no news of this one.
    lifeline::check();
    form::record(failure);
    if failure.is_news() {
        messages::say(stage, failure);
    }
    failure.status().code().into()
}

fn asked(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

fn misused(error: &clap::Error, words: &[OsString]) -> Failure {
    let odd = words.iter().find(|word| word.to_str().is_none());
    match odd.filter(|_| error.kind() == ErrorKind::InvalidUtf8) {
        Some(word) => Failure::of(Status::Usage, shown(word), "not UTF-8 (give it another name)"),
        None => Failure::new(Status::Usage, misuse(error)),
    }
}

/// A wrong call, in one line of ours.
#[must_use]
pub fn misuse(error: &clap::Error) -> String {
    // clap drops from its texts what would command a terminal, and we show it.
    let text = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(typed))) => {
            format!("unexpected argument '{}' found", legible::line(typed))
        }
        _ => error.to_string(),
    };
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let why = lines.collect::<Vec<_>>().join(" ");
    let why = without_rusts_words(why.strip_prefix("error: ").unwrap_or(&why));
    match suggestion(error) {
        Some(meant) => format!("{why}; did you mean {meant}? (see --help)"),
        None => format!("{why} (see --help)"),
    }
}

/// What is wrong with a number, as a person says it.
fn without_rusts_words(why: &str) -> String {
    let number = why
        .replace("invalid digit found in string", "not a whole number")
        .replace("cannot parse integer from empty string", "not a whole number");
    number.replace("number too large to fit in target type", "too large")
}

/// The name or value that is most like the wrong one.
#[must_use]
pub fn suggestion(error: &clap::Error) -> Option<&String> {
    use ContextKind::{SuggestedArg, SuggestedSubcommand, SuggestedValue};
    let found = [SuggestedArg, SuggestedSubcommand, SuggestedValue].map(|kind| error.get(kind));
    found.into_iter().flatten().find_map(|value| match value {
        ContextValue::String(one) => Some(one),
        ContextValue::Strings(several) => several.first(),
        _ => None,
    })
}
