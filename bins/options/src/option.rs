//! An option of a command: what a person types, and where it goes.

use std::ffi::OsString;

use archive::{SetTime, parse_age};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, value_parser};
use cli::Verbosity;

use crate::stage::Stage;

/// Where an option goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// To a stage, under its own name.
    Stage(Stage),
    /// To a stage, under that stage's name for it.
    Renamed(Stage, &'static str),
    /// To every stage that uses a store.
    Stores,
    /// To every stage.
    All,
    /// Into a variable of the script: its last value, or `yes`.
    Variable(&'static str),
    /// Into a variable of the script: its first value.
    First(&'static str),
    /// Into a variable of the script: all its values, each followed by a newline.
    Lines(&'static str),
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// No value.
    Nothing,
    /// A value of any bytes; this is its name in `--help`.
    Value(&'static str),
    /// A value of any bytes; the option can be repeated.
    Values(&'static str),
    /// Two values.
    Two(&'static str),
    /// Two values; the option can be repeated.
    Pairs(&'static str),
    /// A decimal number.
    Number(&'static str),
    /// An age such as 8D.
    Age,
    /// A level of messages.
    Level,
    /// One of these words.
    OneOf(&'static str, &'static [&'static str]),
    /// One of these words, or none for the first.
    Word(&'static str, &'static [&'static str]),
    /// Options of ssh in one text, as duplicity takes them: `-oPort=2222 -oUser=purr`.
    SshOptions,
}

/// An option of one or more commands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandOption {
    pub(crate) long: &'static str,
    pub(crate) takes: Takes,
    pub(crate) targets: &'static [Target],
    pub(crate) tuning: bool,
    short: Option<char>,
    aliases: &'static [&'static str],
    conflicts: &'static [&'static str],
    requires: Option<&'static str>,
    /// Whether a second one is wrong, since it would not mean both.
    pub(crate) once: bool,
    /// What the first argument is if it is left out beside this option.
    pub(crate) first: Option<&'static str>,
    help: &'static str,
}

/// An option with a long name only, which needs and excludes nothing.
pub(crate) const fn option(
    long: &'static str,
    takes: Takes,
    targets: &'static [Target],
    help: &'static str,
) -> CommandOption {
    CommandOption {
        long,
        takes,
        targets,
        tuning: false,
        short: None,
        aliases: &[],
        conflicts: &[],
        requires: None,
        once: false,
        first: None,
        help,
    }
}

impl CommandOption {
    pub(crate) const fn short(self, short: char) -> CommandOption {
        CommandOption { short: Some(short), ..self }
    }

    /// It does not change what is made, so an interrupted run goes on with another value.
    pub(crate) const fn tuning(self) -> CommandOption {
        CommandOption { tuning: true, ..self }
    }

    /// Further names, which help shows.
    pub(crate) const fn aliases(self, aliases: &'static [&'static str]) -> CommandOption {
        CommandOption { aliases, ..self }
    }

    /// The options and arguments that it excludes.
    pub(crate) const fn conflicts(self, conflicts: &'static [&'static str]) -> CommandOption {
        CommandOption { conflicts, ..self }
    }

    /// The option or argument that it needs.
    pub(crate) const fn requires(self, other: &'static str) -> CommandOption {
        CommandOption { requires: Some(other), ..self }
    }

    /// It can be given only once: a second one would not mean both.
    pub(crate) const fn once(self) -> CommandOption {
        CommandOption { once: true, ..self }
    }

    /// It stands for the first argument, which may then be left out.
    pub(crate) const fn stands_for_first(self, word: &'static str) -> CommandOption {
        CommandOption { first: Some(word), ..self }
    }

    /// Whether it can't be given with an argument.
    pub(crate) fn excludes(&self, argument: &str) -> bool {
        self.conflicts.contains(&argument)
    }

    /// The long names that give it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.long).chain(self.aliases.iter().copied())
    }

    /// The letter that gives it.
    pub(crate) fn letter(&self) -> Option<char> {
        self.short
    }

    /// Its definition for clap.
    pub(crate) fn arg(&self) -> Arg {
        let arg = Arg::new(self.long).long(self.long).help(self.help);
        let arg = arg.visible_aliases(self.aliases).conflicts_with_all(self.conflicts);
        let arg = if let Some(short) = self.short { arg.short(short) } else { arg };
        let arg = if let Some(other) = self.requires { arg.requires(other) } else { arg };
        let value = |arg: Arg, name: &'static str| {
            arg.value_name(name).value_parser(bytes()).allow_hyphen_values(true)
        };
        match self.takes {
            Takes::Nothing => arg.action(ArgAction::SetTrue),
            Takes::Value(name) => value(arg, name),
            Takes::Values(name) => value(arg, name).action(ArgAction::Append),
            Takes::Two(name) => value(arg, name).num_args(2),
            Takes::Pairs(name) => value(arg, name).num_args(2).action(ArgAction::Append),
            Takes::Number(name) => arg.value_name(name).value_parser(number),
            Takes::Age => arg.value_name("AGE").value_parser(age),
            Takes::Level => arg
                .value_name("LEVEL")
                .value_parser(|text: &str| text.parse::<Verbosity>().map(|_| text.to_owned())),
            Takes::OneOf(name, words) => {
                arg.value_name(name).value_parser(words.to_vec()).hide_possible_values(true)
            }
            Takes::Word(name, words) => arg
                .value_name(name)
                .value_parser(words.to_vec())
                .hide_possible_values(true)
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value(words.first().copied().unwrap_or_default()),
            Takes::SshOptions => {
                value(arg, "TEXT").value_parser(value_parser!(OsString)).action(ArgAction::Append)
            }
        }
    }
}

/// A value of any bytes. A variable that is not set is a mistake: the scripts would take an empty value for
/// no option, and so restore everything, or demand no seal.
fn bytes() -> impl TypedValueParser<Value = OsString> {
    let parser = OsStringValueParser::new();
    parser.try_map(|value| if value.is_empty() { Err("must not be empty") } else { Ok(value) })
}

/// An age, as it was written.
fn age(text: &str) -> Result<String, String> {
    let now = SetTime::from_seconds(4_000_000_000).map_err(|error| error.to_string())?;
    let parsed = parse_age(text, now).map_err(|_| "not an age (such as 26h, 8D, 2W, 1M or 1Y)");
    Ok(parsed.map(|_| text.to_owned())?)
}

/// A number that a shell can count with.
fn number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "not a number")
}
