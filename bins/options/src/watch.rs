//! How a command shows its progress: the options, and what is chosen without them.

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::ArgMatches;
use cli::form::{Form, memory};
use failure::legible;
use progress::Place;

use crate::command::MooCommand;
use crate::groups::Group;
use crate::option::Takes::{Nothing, Word};
use crate::option::option;

/// The forms, of which the first one is the default.
const FORMS: &[&str] = &["auto", "plain", "json", "none"];

/// Of all commands that show their progress.
pub(crate) const PROGRESS: Group = Group {
    heading: Some("Progress"),
    needs: None,
    options: &[
        option(
            "progress",
            Word("FORM", FORMS),
            &[],
            "Show progress and a summary on standard error: auto (one line that is redrawn if it is a terminal, or else nothing), plain (a whole line every 10 seconds), json (a line of JSON every second) or none, see moobacker-progress(5)",
        )
        .tuning(),
        option("quiet", Nothing, &[], "Show no progress and no summary").short('q').tuning(),
    ],
};

/// Chooses the form for the whole command, unless it has one: a command that runs another one has.
/// Returns whether messages may meet the line.
pub(crate) fn choose(command: &MooCommand, matches: &ArgMatches) -> bool {
    if !command.options().any(|option| option.long == "progress") {
        return is_drawn();
    }
    let is_first = memory().is_some_and(|memory| Form::read(&memory).is_none());
    let given = matches.get_one::<String>("progress").map(String::as_str);
    let quiet = matches.get_flag("quiet");
    form(given.filter(|_| !quiet), quiet).choose();
    if is_first {
        progress::place(&Place { to: result(command, matches) });
    }
    is_drawn()
}

fn form(given: Option<&str>, quiet: bool) -> Form {
    let dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
    match given {
        _ if quiet => Form::Nothing,
        Some("none") => Form::Nothing,
        Some("plain") => Form::Plain,
        Some("json") => Form::Json,
        _ if !std::io::stderr().is_terminal() => Form::Nothing,
        _ if dumb => Form::Plain,
        _ => Form::Line,
    }
}

fn is_drawn() -> bool {
    let form = memory().as_ref().and_then(Form::read);
    form == Some(Form::Line) && std::io::stderr().is_terminal()
}

/// What the command writes or checks: its last argument that names a store or a destination.
fn result(command: &MooCommand, matches: &ArgMatches) -> String {
    let names = ["DEST", "URL2", "URL"].into_iter();
    let mut given = names
        .filter(|name| command.arguments.iter().any(|argument| argument.name == *name))
        .filter_map(|name| matches.get_one::<OsString>(name));
    let given = given.next();
    if given.is_some_and(|value| value == "-") {
        return "standard output".to_owned();
    }
    given.map(|value| legible::line(value.as_encoded_bytes())).unwrap_or_default()
}
