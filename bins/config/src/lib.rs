//! `moo-config` reads the configuration: for a person who writes it, and for the scripts that set up
//! and check a machine.

mod show;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use cli::legible;
use config::{Caller, Config};
use failure::{Failure, Status, shown};
use options::Call;

/// Check and show the configuration
///
/// The configuration names stores and sources; moobacker.toml(5) describes it. moo config check
/// prints nothing if all of it is right. moo config import writes the configuration of version 0.1
/// as TOML.
#[derive(Parser, Debug)]
#[command(name = "moo-config", version, after_help = EXAMPLES)]
pub struct Options {
    /// Read FILE instead of the user's own configuration or /etc/moobacker/moobacker.toml; - is
    /// standard input
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// With show, print a line of JSON for each command
    #[arg(long)]
    json: bool,
    /// What to do: check, import, show or rows
    #[arg(value_name = "WORK", hide_possible_values = true)]
    work: Work,
    /// The same as --config FILE
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Work {
    /// Check the configuration: print the file, the line, the key and what is wrong
    Check,
    /// Print the configuration of version 0.1, /etc/moobacker/backup.conf or --config FILE, as TOML
    Import,
    /// Print the commands of a backup of all sources, as the caller could type them
    Show,
    /// Print the configuration as lines of SCOPE KEY VALUE, for scripts
    Rows,
}

/// What messages begin with.
const NAME: &str = "moo config";

const EXAMPLES: &str = "\
Examples:
  moo config check
  moo config import >moobacker.toml
  moo config show";

/// The `main` of the program.
pub fn main() -> ExitCode {
    cli::harden();
    let options: Options = match cli::arguments(NAME, std::env::args_os()) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let printed = text(&options).and_then(|text| {
        let written = std::io::stdout().write_all(text.as_bytes());
        written.map_err(|error| Failure::of_output(&error))
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => cli::CLOSED_PIPE.into(),
        Err(failure) => {
            cli::say(NAME, &failure);
            failure.status().code().into()
        }
    }
}

/// What is printed.
fn text(options: &Options) -> Result<String, Failure> {
    if options.json && !matches!(options.work, Work::Show) {
        return Err(Failure::new(Status::Usage, "--json is for moo config show"));
    }
    let path = match options.config.as_ref().or(options.file.as_ref()) {
        Some(path) => path.clone(),
        None if matches!(options.work, Work::Import) => PathBuf::from(config::OLD),
        None => config::find().ok_or_else(absent)?,
    };
    let config = if path == Path::new("-") {
        config::read_from(std::io::stdin().lock(), "standard input")?
    } else {
        config::read(&path)?
    };
    check(&config, &path)?;
    match options.work {
        Work::Check => check_user(&config, &path).map(|()| String::new()),
        Work::Import => config.to_toml(),
        Work::Show => {
            let commands = show::commands(&config)?;
            if options.json { show::json(&commands) } else { Ok(show::lines(&commands)) }
        }
        Work::Rows => Ok(config::rows(&config)),
    }
}

fn absent() -> Failure {
    let why = "there is no configuration: run moo setup-local, or write one, see moobacker.toml(5)";
    Failure::of(Status::Usage, config::SYSTEM, why)
}

/// The first night would be the one that finds it missing.
fn check_user(config: &Config, path: &Path) -> Result<(), Failure> {
    let Some(user) =
        config.user.as_ref().filter(|user| uzers::get_user_by_name(&***user).is_none())
    else {
        return Ok(());
    };
    let why =
        format!("user: {}: no such user; moo setup-local makes it", legible::name(user.as_bytes()));
    Err(Failure::of(Status::Usage, shown(path), why))
}

/// Checks every call that is made of the configuration.
fn check(config: &Config, path: &Path) -> Result<(), Failure> {
    for command in ["backup", "prune"] {
        for one in config.calls(command, &Call::default(), &Caller::plain())? {
            options::check(command, &one.words).map_err(|why| {
                Failure::of(Status::Usage, shown(path), format!("sources.{}: {why}", one.source))
            })?;
        }
    }
    Ok(())
}
