//! `moo-options` reads the options of a command of `moo`. Help, pages and what the scripts run come
//! from the one definition here.

mod call;
mod command;
mod groups;
mod keys;
mod machine_commands;
mod option;
mod shell;
mod stage;
mod store_commands;
mod upkeep_commands;
mod watch;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use failure::Status;

pub use call::{Call, check, has, reaches_store};
use command::{Argument, MooCommand};
use machine_commands::MACHINE_COMMANDS;
pub use shell::typed;
use store_commands::STORE_COMMANDS;
use upkeep_commands::UPKEEP_COMMANDS;

/// Read the options of a command of moo, for the script that runs it
///
/// moo-options checks the arguments of a command. It prints text for eval of sh: variables with the
/// values that the script needs, and a function for each stage, which runs it with its own options. A
/// wrong call is reported on standard error, and the exit status is 2.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-options", version, after_help = EXAMPLES)]
pub struct Options {
    /// Command, such as backup
    command: String,
    /// Arguments of the command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  moo-options list --time 3D file:///srv/backup ssh
  eval \"$(moo-options restore --merge file:///srv/backup /tmp/etc)\"";

/// The definitions of all commands, for their pages. Each has the name of its command, such as
/// `backup`.
pub fn commands() -> impl Iterator<Item = Command> {
    all().map(MooCommand::command)
}

/// All commands that need the programs.
fn all() -> impl Iterator<Item = &'static MooCommand> {
    STORE_COMMANDS.iter().chain(UPKEEP_COMMANDS).chain(MACHINE_COMMANDS)
}

/// The `main` of the program.
pub fn main() -> ExitCode {
    cli::harden();
    let mut words = std::env::args_os().skip(1);
    let name = words.next().and_then(|word| word.into_string().ok()).unwrap_or_default();
    let Some(command) = all().find(|command| command.name == name) else {
        return of_program();
    };
    match understood(command, words.collect()) {
        Ok(text) => printed(&text),
        Err(error) if !error.use_stderr() => printed(&shell::print(&error.to_string())),
        Err(error) => {
            cli::say(&command.title(), &cli::misuse(&error));
            Status::Usage.code().into()
        }
    }
}

/// A call that is none of a command: of the program itself.
fn of_program() -> ExitCode {
    match cli::arguments::<Options>("moo-options", std::env::args_os()) {
        Ok(options) => cli::say("moo", &no_such_command(&options.command)),
        Err(status) => return status,
    }
    Status::Usage.code().into()
}

/// The commands of `moo` that have no definition here: two run where no program is, and two are
/// programs themselves.
const OTHERS: [&str; 4] = ["config", "keygen", "prune-remote", "setup-remote"];

fn no_such_command(name: &str) -> String {
    let names = all().map(|command| command.name).filter(|name| !name.contains('.'));
    let moo = Command::new("moo").subcommands(names.chain(OTHERS).map(Command::new));
    let error = moo.try_get_matches_from(["moo", name]).err();
    match error.as_ref().and_then(cli::suggestion) {
        Some(meant) => format!("{name}: no such command; did you mean {meant}? (see moo --help)"),
        None => format!("{name}: no such command (see moo --help)"),
    }
}

/// The text for a call, or why there is none.
fn understood(command: &MooCommand, words: Vec<OsString>) -> Result<Vec<u8>, clap::Error> {
    let (kind, matches) = matched(command, words)?;
    let drawn = watch::choose(command, &matches);
    Ok(shell::script((command, kind), &matches, (drawn, all())))
}

/// The kind of a call, and what its options and arguments are.
fn matched(
    command: &MooCommand,
    mut words: Vec<OsString>,
) -> Result<(&'static str, ArgMatches), clap::Error> {
    let kind =
        command.types.iter().find(|(spelled, _)| words.first().is_some_and(|w| w == spelled));
    if kind.is_some() {
        words.remove(0);
    }
    check_repetitions(command, &words)?;
    let first = left_out(command, &words).map(OsString::from);
    let words = std::iter::once(OsString::from("moo")).chain(first).chain(words);
    let matches = command.command().try_get_matches_from(words)?;
    check_order(command, &matches)?;
    check_standard_input(command, &matches)?;
    let kind = kind.map_or("auto", |(_, kind)| kind);
    Ok((kind, matches))
}

/// Arguments that are paths of this machine.
const PATHS: [&str; 2] = ["SOURCE", "DEST"];

/// Names the mistake if a path and a URL are exchanged, instead of what is wrong with either.
fn check_order(command: &MooCommand, matches: &ArgMatches) -> Result<(), clap::Error> {
    let is_url = |argument: &&Argument| {
        let value = matches.try_get_one::<OsString>(argument.name).ok().flatten();
        let value = value.map_or(&[][..], |value| value.as_bytes());
        ["file://", "sftp://", "rclone:"].iter().any(|scheme| value.starts_with(scheme.as_bytes()))
    };
    let paths = command.arguments.iter().filter(|argument| PATHS.contains(&argument.name));
    let Some(path) = paths.into_iter().find(is_url) else { return Ok(()) };
    let usage = command.usage.first().copied().unwrap_or_default();
    let why = format!("{} is a URL, where a path is expected: {usage}", path.name);
    Err(command.command().error(ErrorKind::ValueValidation, why))
}

/// Of two of an option that is taken once, the last one would win without a word.
fn check_repetitions(command: &MooCommand, words: &[OsString]) -> Result<(), clap::Error> {
    let Some(call) = Call::read(command.name, words) else { return Ok(()) };
    let mut once = command.options().filter(|option| option.once);
    let Some(twice) = once.find(|option| call.count(option) > 1) else { return Ok(()) };
    let why = format!("--{} is given twice: one is taken at a time", twice.long);
    Err(command.command().error(ErrorKind::ArgumentConflict, why))
}

/// The first line of a dump would be taken for a passphrase.
fn check_standard_input(command: &MooCommand, matches: &ArgMatches) -> Result<(), clap::Error> {
    let given = |id: &str| matches.try_get_one::<OsString>(id).ok().flatten();
    if given("SOURCE").is_none_or(|source| source != "-") || given("command").is_some() {
        return Ok(());
    }
    let is_input = |id: &str| {
        let places = ["0", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
        let number = matches.try_get_one::<u64>(id).ok().flatten().map(u64::to_string);
        let value = number.map(OsString::from).or_else(|| given(id).cloned());
        value.is_some_and(|value| places.iter().any(|place| value == *place))
    };
    let Some(option) = ["passphrase-fd", "passphrase-file"].into_iter().find(|id| is_input(id))
    else {
        return Ok(());
    };
    let why = format!("--{option}: standard input is what is backed up");
    Err(command.command().error(ErrorKind::ArgumentConflict, why))
}

/// The first argument, if it is left out and an option stands for it.
fn left_out(command: &MooCommand, words: &[OsString]) -> Option<&'static str> {
    let call = Call::read(command.name, words)?;
    let mut given = command.options().filter(|option| call.has(option.long));
    let first = given.find_map(|option| option.first)?;
    (call.arguments.len() + 1 == command.arguments.len()).then_some(first)
}

fn printed(text: &[u8]) -> ExitCode {
    match std::io::stdout().write_all(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::say("moo-options", &format!("standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}
