//! `moo-snapshot` makes a read-only snapshot of what holds a source, runs a program that reads it, and
//! deletes the snapshot, whatever happens to the program.
//!
//! It does not watch the lifeline: without a supervisor its program ends, and it has to clean up. If it
//! is killed itself, the keeper of `moo-run` calls it with `--clear`; if nobody is left for that, the next
//! run deletes the snapshot by its name.

mod btrfs;
mod kind;
mod live;
mod lvm;
mod record;
mod system;
mod taken;
mod tool;
mod watch;
mod zfs;

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use failure::{Failure, OrFail, Status, shown};
use stream::{Outlet, Output, Totals};

use crate::kind::Kind;
use crate::taken::Taken;
use crate::watch::Watch;

const NAME: &str = "moo-snapshot";

/// Run a program on a snapshot of a source, and delete the snapshot afterwards
///
/// moo-snapshot makes a read-only snapshot of the subvolume, dataset or logical volume that SOURCE is
/// on, and runs PROGRAM. It deletes the snapshot when PROGRAM has ended, or after a signal. The first
/// argument {} of PROGRAM becomes the options of moo-scan that read the snapshot. This needs root.
#[derive(Parser, Debug)]
#[command(name = "moo-snapshot", version, after_help = EXAMPLES, override_usage = USAGE)]
pub struct Snapshot {
    /// Delete the snapshot that the record FILE names, which a killed moo-snapshot has left
    #[arg(long, value_name = "FILE", hide = true)]
    clear: Option<PathBuf>,
    /// Kind of snapshot: btrfs, zfs or lvm
    #[arg(required_unless_present = "clear", hide_possible_values = true)]
    kind: Option<Kind>,
    /// Directory or file that is to be read
    #[arg(required_unless_present = "clear")]
    source: Option<OsString>,
    /// Program to run, with its arguments
    #[arg(required_unless_present = "clear", trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

const USAGE: &str = "moo-snapshot KIND SOURCE PROGRAM...";

const EXAMPLES: &str = "\
Examples:
  moo-snapshot btrfs /srv/www moo-scan {} /srv/www | tar tv
  moo-snapshot btrfs /srv/www moo-scan {} --exclude '**.tmp' /srv/www | moo-sign | moo-pack | tar tv";

/// The word that becomes the options.
const PLACE: &str = "{}";

/// The `main` of the program.
pub fn main() -> ExitCode {
    cli::harden();
    let call: Snapshot = match cli::arguments(NAME, std::env::args_os()) {
        Ok(call) => call,
        Err(status) => return status,
    };
    let done = match (call.clear, call.kind, call.source) {
        (Some(record), ..) => taken::clear(&record).map(|()| 0),
        (None, Some(kind), Some(source)) => run(kind, &source, &call.program),
        _ => Err(Failure::new(Status::Usage, "a kind and a source are needed (see --help)")),
    };
    match done {
        Ok(status) => status.into(),
        Err(failure) => {
            if failure.is_news() {
                say(&failure);
            }
            failure.status().code().into()
        }
    }
}

fn run(kind: Kind, source: &OsString, words: &[OsString]) -> Result<u8, Failure> {
    if source.is_empty() {
        return Err(Failure::new(Status::Usage, "SOURCE: is empty"));
    }
    let watch = Watch::start().or_fail(Status::Failed, "signals")?;
    let mut taken = None;
    // The stages after this one learn why there is no stream.
    Output::<File>::deliver(NAME, |output| {
        taken = Some(Taken::take(kind, source)?);
        // From here on it is the program that writes.
        output.leave();
        Ok(Totals::default())
    })?;
    let (Some(taken), Some((program, arguments))) = (taken, words.split_first()) else {
        return Err(Failure::new(Status::Usage, "a program is needed (see --help)"));
    };
    if let Some(status) = watch.stopped() {
        return Ok(status);
    }
    let mut command = Command::new(program);
    let place = arguments.iter().position(|word| word == PLACE).unwrap_or(arguments.len());
    command.args(&arguments[..place]);
    if let Some(rest) = arguments.get(place + 1..) {
        command.args(taken.options()).args(rest);
    }
    watch.run(&mut command).or_fail(Status::Failed, shown(program))
}

/// Prints one line on standard error.
fn say(message: &impl Display) {
    cli::say(NAME, message);
}
