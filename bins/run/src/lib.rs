//! `moo-run` runs a command with all that it starts as one process: whoever ends or kills `moo-run`
//! ends them all.
//!
//! It is two processes. The caller knows the *supervisor*, which holds the write end of the lifeline
//! and waits. Its one child, the *keeper*, starts the command. It is the subreaper of all that the
//! command starts, so it finds them whatever session they move to. When the lifeline is cut, by a
//! signal that the supervisor handles or by its death, the keeper kills them; so it does when the
//! command itself is killed, and so does the supervisor when the keeper is.

mod family;
mod keeper;
mod leftover;
mod scratch;
mod supervisor;
mod typing;
mod words;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use failure::{OrFail, Status, shown};

/// Run a command and all processes that it starts as one process
///
/// A signal that ends moo-run, even SIGKILL, ends the command and every process that it has
/// started. SIGSTOP and SIGCONT pause and continue them. They share a folder for temporary files.
/// moo-run deletes it at the end. For commands of moo, it shows the progress that the stages report;
/// SIGUSR1 prints one line of it.
#[derive(Parser, Debug)]
#[command(name = "moo-run", version, after_help = EXAMPLES)]
pub struct Run {
    /// Forward SIGHUP, SIGINT, SIGQUIT and SIGTERM to the command, which then ends by itself. If
    /// moo-run dies, the command is killed
    #[arg(long)]
    forward: bool,
    /// Do the work of the keeper
    #[arg(long, hide = true)]
    keeper: bool,
    /// Command of moo that messages name, such as backup
    name: String,
    /// Program to run
    program: OsString,
    /// Arguments of the program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  moo-run copy sh -c 'moo-fetch --all file:///srv/backup | moo-upload file:///mnt/copy'
  moo-run list sh -c 'moo-fetch --manifests file:///srv/backup | moo-decrypt | tar t'";

/// The words with `--` after the options, so that one among the command's own is the command's.
fn ended(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<_> = words.collect();
    let option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let end = words.iter().skip(1).position(|word| !option(word) || word == "--");
    if let Some(end) = end.map(|end| end + 1).filter(|end| words[*end] != "--") {
        words.insert(end, "--".into());
    }
    words
}

/// The `main` of the program.
pub fn main() -> ExitCode {
    let run: Run = match cli::arguments("moo-run", ended(std::env::args_os()).into_iter()) {
        Ok(run) => run,
        Err(status) => return status,
    };
    cli::harden();
    let name = words::shown(&run.name);
    let done = if run.keeper { keeper::keep(&run) } else { supervisor::supervise(&run) };
    match done.or_fail(Status::Failed, format!("{}: can't be run", shown(&run.program))) {
        Ok(status) => status.into(),
        Err(failure) => {
            // Nobody may be there to read it.
            let _ = writeln!(std::io::stderr(), "{name}: {failure}");
            failure.status().code().into()
        }
    }
}
