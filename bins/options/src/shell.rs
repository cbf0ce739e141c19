//! A call that was understood, as text for `eval` in the script that runs the command: its
//! variables, and a function for each of its stages.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::ArgMatches;
use failure::legible;

use crate::command::{MooCommand, Place};
use crate::option::{CommandOption, Takes, Target};
use crate::stage::{ALL, Stage};

/// Words of a stage's call. Its paths follow the words that the script adds.
#[derive(Default)]
struct Words {
    options: Vec<OsString>,
    paths: Vec<OsString>,
}

/// An option as it was given: where in the call, with which values.
struct Given<'a> {
    place: usize,
    option: &'static CommandOption,
    values: Vec<&'a OsStr>,
}

/// The text for `eval`. It sets the variables of all commands, also those that the call has no value
/// for: none comes from the environment.
pub(crate) fn script(
    (command, kind): (&MooCommand, &str),
    matches: &ArgMatches,
    (drawn, all): (bool, impl Iterator<Item = &'static MooCommand>),
) -> Vec<u8> {
    let given = given(command, matches);
    let mut values: BTreeMap<&str, OsString> =
        all.flat_map(variables).map(|name| (name, OsString::new())).collect();
    values.insert("type", kind.into());
    values.insert("drawn", if drawn { "yes" } else { "" }.into());
    values.insert("run_options", run_options(&given));
    for one in &given {
        set(one, &mut values);
    }
    for argument in command.arguments {
        let given = matches.get_many::<OsString>(argument.name).into_iter().flatten();
        match argument.place {
            Place::Needed(name) | Place::Optional(name) => {
                values.extend(given.map(|value| (name, value.clone())));
            }
            Place::Lines(name) => {
                given.for_each(|value| add_line(values.entry(name).or_default(), value));
            }
            Place::Paths(_) => {}
        }
    }
    // As messages name them: without secrets.
    for (name, shown) in [("url", "shown_url"), ("target", "shown_target")] {
        let url = values.get(name).cloned().unwrap_or_default();
        values.insert(shown, legible::masked(&url.to_string_lossy()).into());
    }
    let mut text = Vec::new();
    for (name, value) in values {
        assign(&mut text, name, &value);
    }
    for stage in ALL {
        define(&mut text, stage, &words(stage, command, matches, &given));
    }
    text
}

/// Text that prints another text and ends the script.
pub(crate) fn print(shown: &str) -> Vec<u8> {
    [b"printf '%s' ".to_vec(), quoted(OsStr::new(shown)), b"\nexit 0\n".to_vec()].concat()
}

/// The options of a call in their order, which counts for selections.
fn given<'a>(command: &MooCommand, matches: &'a ArgMatches) -> Vec<Given<'a>> {
    let mut given: Vec<_> =
        command.options().flat_map(|option| occurrences(option, matches)).collect();
    given.sort_by_key(|one| one.place);
    given
}

fn occurrences<'a>(option: &'static CommandOption, matches: &'a ArgMatches) -> Vec<Given<'a>> {
    let id = option.long;
    let places: Vec<_> = matches.indices_of(id).into_iter().flatten().collect();
    let one = |place: &usize, values| Given { place: *place, option, values };
    match option.takes {
        Takes::Nothing if matches.get_flag(id) => {
            places.iter().take(1).map(|place| one(place, Vec::new())).collect()
        }
        Takes::Nothing => Vec::new(),
        Takes::Two(_) | Takes::Pairs(_) => {
            let values: Vec<_> = matches.get_many::<OsString>(id).into_iter().flatten().collect();
            let pairs = places.chunks(2).zip(values.chunks(2));
            pairs
                .map(|(at, two)| one(&at[0], two.iter().map(|v| v.as_os_str()).collect()))
                .collect()
        }
        Takes::Number(_)
        | Takes::Age
        | Takes::Level
        | Takes::OneOf(..)
        | Takes::Word(..)
        | Takes::Value(_)
        | Takes::Values(_)
        | Takes::SshOptions => {
            let values = matches.get_raw(id).into_iter().flatten();
            places.iter().zip(values).map(|(place, value)| one(place, vec![value])).collect()
        }
    }
}

/// The variables that the options and arguments of a command set.
fn variables(command: &'static MooCommand) -> impl Iterator<Item = &'static str> {
    let of_options = command.options().flat_map(|option| option.targets);
    let of_options = of_options.filter_map(|target| match target {
        Target::Variable(name) | Target::First(name) | Target::Lines(name) => Some(*name),
        _ => None,
    });
    let of_arguments = command.arguments.iter().filter_map(|argument| match argument.place {
        Place::Needed(name) | Place::Optional(name) | Place::Lines(name) => Some(name),
        Place::Paths(_) => None,
    });
    of_options.chain(of_arguments)
}

/// Gives the variables of an option their values.
fn set(given: &Given<'_>, values: &mut BTreeMap<&str, OsString>) {
    let value = given.values.first().copied().unwrap_or(OsStr::new("yes"));
    for target in given.option.targets {
        match target {
            Target::Variable(name) => {
                values.insert(name, value.to_owned());
            }
            Target::First(name) if values.get(name).is_none_or(|first| first.is_empty()) => {
                values.insert(name, value.to_owned());
            }
            Target::Lines(name) => add_line(values.entry(name).or_default(), value),
            _ => {}
        }
    }
}

fn add_line(lines: &mut OsString, value: &OsStr) {
    lines.push(value);
    lines.push("\n");
}

/// The options of moo-sign and moo-encrypt, one per line. A run resumes an interrupted one only if they
/// are equal.
fn run_options(given: &[Given<'_>]) -> OsString {
    let made = given.iter().filter(|one| !one.option.tuning);
    let words = made.flat_map(|one| [Stage::Sign, Stage::Encrypt].map(|stage| passed(stage, one)));
    let words: Vec<_> = words.flatten().map(OsString::into_vec).collect();
    OsString::from_vec(words.join(&b'\n'))
}

/// All words that a stage gets.
fn words(stage: Stage, command: &MooCommand, matches: &ArgMatches, given: &[Given<'_>]) -> Words {
    let mut words = Words::default();
    words.options.extend(given.iter().flat_map(|one| passed(stage, one)));
    let paths = command.arguments.iter().filter(|argument| argument.place == Place::Paths(stage));
    words.paths.extend(
        paths.flat_map(|argument| matches.get_many::<OsString>(argument.name)).flatten().cloned(),
    );
    words
}

/// The words that one option adds to a stage's call.
fn passed(stage: Stage, given: &Given<'_>) -> Vec<OsString> {
    let option = given.option;
    let names = option.targets.iter().filter_map(|target| match target {
        Target::Stage(one) => (*one == stage).then_some(option.long),
        Target::Renamed(one, name) => (*one == stage).then_some(*name),
        Target::Stores => stage.uses_store().then_some(option.long),
        Target::All => Some(option.long),
        Target::Variable(_) | Target::First(_) | Target::Lines(_) => None,
    });
    names.flat_map(|name| spelled(name, given)).collect()
}

fn spelled(name: &str, given: &Given<'_>) -> Vec<OsString> {
    let long = OsString::from(format!("--{name}"));
    match (given.option.takes, &given.values[..]) {
        (Takes::SshOptions, [text]) => ssh_options(text),
        (_, []) => vec![long],
        (_, [value]) => vec![[&*long, OsStr::new("="), value].into_iter().collect()],
        (_, values) => {
            let values = values.iter().map(|value| (*value).to_owned());
            std::iter::once(long).chain(values).collect()
        }
    }
}

/// duplicity's `--ssh-options` as `--ssh-option`s: its words are `-oKEY=VALUE`, or `-o` and then
/// `KEY=VALUE`.
fn ssh_options(text: &OsStr) -> Vec<OsString> {
    let words = text.as_bytes().split(u8::is_ascii_whitespace);
    let settings = words.map(|word| word.strip_prefix(b"-o").unwrap_or(word));
    let settings = settings.filter(|setting| !setting.is_empty());
    settings.map(|setting| OsString::from_vec([b"--ssh-option=", setting].concat())).collect()
}

/// A line that gives a variable its value.
fn assign(text: &mut Vec<u8>, name: &str, value: &OsStr) {
    text.extend([name.as_bytes(), b"=", &quoted(value), b"\n"].concat());
}

/// A line with the function of a stage: that program with its options, what the function is given,
/// and its paths.
fn define(text: &mut Vec<u8>, stage: Stage, words: &Words) {
    text.extend(format!("{}() {{ stage {}", stage.function(), stage.program()).into_bytes());
    words.options.iter().for_each(|word| text.extend([b" ", &quoted(word)[..]].concat()));
    text.extend(b" \"$@\"");
    text.extend(if words.paths.is_empty() { &b""[..] } else { b" --" });
    words.paths.iter().for_each(|word| text.extend([b" ", &quoted(word)[..]].concat()));
    text.extend(b"; }\n");
}

/// A word as a person would type it.
#[must_use]
pub fn typed(word: &OsStr) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./:=@%+,-".contains(byte);
    let is_plain = !word.is_empty() && word.as_bytes().iter().all(plain);
    let word = if is_plain { word.as_bytes().to_vec() } else { quoted(word) };
    String::from_utf8_lossy(&word).into_owned()
}

/// A word in single quotes.
fn quoted(word: &OsStr) -> Vec<u8> {
    let parts: Vec<_> = word.as_bytes().split(|byte| *byte == b'\'').collect();
    [b"'", &parts.join(&b"'\\''"[..])[..], b"'"].concat()
}
