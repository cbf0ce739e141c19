//! Messages on standard error: `moo command: which: why`, or `moo-stage: which: why`, a line each.

use std::io::IsTerminal;
use std::str::FromStr;

use failure::legible;
use log::{LevelFilter, Log, Metadata, Record};

use crate::{form, lifeline};

/// The verbosity of a program, in duplicity's words or numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verbosity(LevelFilter);

/// A text that is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLevel;

impl std::fmt::Display for NoLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not one of error, warning, notice, info, debug, or a number from 0 to 9")
    }
}

impl std::error::Error for NoLevel {}

impl FromStr for Verbosity {
    type Err = NoLevel;

    fn from_str(text: &str) -> Result<Verbosity, NoLevel> {
        Ok(Verbosity(match text.to_ascii_lowercase().as_str() {
            "e" | "error" | "0" | "1" => LevelFilter::Error,
            "w" | "warning" | "2" | "3" | "n" | "notice" | "4" | "5" => LevelFilter::Warn,
            "i" | "info" | "6" | "7" | "8" => LevelFilter::Info,
            "d" | "debug" | "9" => LevelFilter::Debug,
            _ => return Err(NoLevel),
        }))
    }
}

struct Messages {
    stage: &'static str,
}

impl Log for Messages {
    /// What our libraries report; the words of librsync and fuser would say a failure twice.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !["librsync", "fuser"].iter().any(|other| metadata.target().starts_with(other))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // Who asks for more wants to know which stage it is of.
        match record.level() <= LevelFilter::Warn {
            true => say(self.stage, record.args()),
            false => say_as(self.stage, record.args()),
        }
    }

    fn flush(&self) {}
}

pub(crate) fn start(stage: &'static str, Verbosity(level): Verbosity) {
    if log::set_boxed_logger(Box::new(Messages { stage })).is_ok() {
        log::set_max_level(level);
    }
}

/// The variable with what a person has typed, such as `moo status`, if a command of `moo` has started this stage.
pub const TYPED: &str = "MOO_COMMAND";

/// Writes one line to standard error, which begins with the command that was typed, or with the name of a stage
/// that was started by itself.
pub fn say(stage: &str, message: &impl std::fmt::Display) {
    let command = std::env::var(TYPED).ok();
    let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
    let typed = command.as_deref().filter(|typed| {
        typed.strip_prefix("moo ").is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
    });
    say_as(typed.unwrap_or(stage), message);
}

/// Writes one line to standard error in one call, so that the stages' lines do not mix. If it
/// cannot be written, the exit status remains. A stage whose supervisor has ended prints nothing.
fn say_as(name: &str, message: &impl std::fmt::Display) {
    lifeline::check();
    let terminal = std::io::stderr().is_terminal();
    let fresh = if terminal { form::forget_line() } else { "" };
    let line = format!("{fresh}{name}: {}\n", legible::line(message.to_string()));
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicitys_levels_are_understood() {
        assert_eq!("error".parse(), Ok(Verbosity(LevelFilter::Error)));
        assert_eq!("Notice".parse(), Ok(Verbosity(LevelFilter::Warn)));
        assert_eq!("8".parse(), Ok(Verbosity(LevelFilter::Info)));
        assert_eq!("10".parse::<Verbosity>(), Err(NoLevel));
    }
}
