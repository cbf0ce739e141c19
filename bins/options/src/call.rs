//! The words of a call, told apart by the definition of its command: for those who change a call
//! before it is run.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::all;
use crate::command::MooCommand;
use crate::groups::SHARED;
use crate::option::{CommandOption, Takes, Target};

/// The words of a call of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The word that comes first, such as `full` of `moo backup full`.
    pub kind: Option<OsString>,
    /// The options as they were given, each with the words of its values.
    pub options: Vec<Vec<OsString>>,
    /// What is no option.
    pub arguments: Vec<OsString>,
}

impl Call {
    /// Tells the words of a call of that command apart. An unknown option counts as one word.
    ///
    /// Returns `None` for a command without a definition.
    pub fn read(name: &str, words: &[OsString]) -> Option<Call> {
        let command = find(name)?;
        let mut call = Call::default();
        let mut rest = words;
        if let [first, after @ ..] = rest
            && command.types.iter().any(|(spelled, _)| first == spelled)
        {
            (call.kind, rest) = (Some(first.clone()), after);
        }
        while let [word, after @ ..] = rest {
            if word == "--" {
                call.arguments.extend_from_slice(after);
                break;
            }
            if !word.as_bytes().starts_with(b"-") || word == "-" {
                call.arguments.push(word.clone());
                rest = after;
                continue;
            }
            let count = (1 + values_after(command, word)).min(rest.len());
            let (option, after) = rest.split_at(count);
            call.options.push(option.to_vec());
            rest = after;
        }
        Some(call)
    }

    /// The value of an option of one value, as it was given last.
    pub fn value(&self, long: &str) -> Option<&OsStr> {
        self.options.iter().rev().find_map(|option| value_of(option, long))
    }

    /// Whether an option was given by that name.
    pub fn has(&self, long: &str) -> bool {
        self.options.iter().filter_map(|option| option.first()).any(|word| spells(word, long))
    }

    /// How often an option was given, by any of its names.
    pub(crate) fn count(&self, option: &CommandOption) -> usize {
        let words = self.options.iter().filter_map(|given| given.first());
        words.filter(|word| matches(option, word)).count()
    }

    /// Whether an option of that command was given that sets this variable of its script.
    pub fn sets(&self, command: &str, variable: &str) -> bool {
        let is_it = |target: &Target| matches!(target, Target::Variable(name) if *name == variable);
        let sets = |option: &CommandOption| option.targets.iter().any(is_it);
        let options = || find(command).into_iter().flat_map(MooCommand::options);
        let given = |word: &OsString| options().any(|option| sets(option) && matches(option, word));
        self.options.iter().filter_map(|option| option.first()).any(given)
    }

    /// The call without an option.
    #[must_use]
    pub fn without(mut self, long: &str) -> Call {
        self.options.retain(|option| !option.first().is_some_and(|word| spells(word, long)));
        self
    }
}

/// Whether the command has that option.
pub fn has(name: &str, long: &str) -> bool {
    find(name).is_some_and(|command| command.options().any(|option| option.long == long))
}

/// Whether an option, as it was given, is one of how a store is reached, which all commands have.
pub fn reaches_store(option: &[OsString]) -> bool {
    let named = |word: &OsString| SHARED.options.iter().any(|known| matches(known, word));
    option.first().is_some_and(named)
}

/// Checks a call by the definition of its command.
///
/// # Errors
/// What is wrong, as the command would say it.
pub fn check(name: &str, words: &[OsString]) -> Result<(), String> {
    let Some(command) = find(name) else { return Err(format!("{name}: no such command")) };
    let words = words.to_vec();
    crate::matched(command, words).map(|_| ()).map_err(|error| cli::misuse(&error))
}

fn find(name: &str) -> Option<&'static MooCommand> {
    all().find(|command| command.name == name)
}

/// How many words after this one are values of its option.
fn values_after(command: &MooCommand, word: &OsStr) -> usize {
    let bytes = word.as_bytes();
    let Some(option) = command.options().find(|option| matches(option, word)) else { return 0 };
    let inside = if bytes.starts_with(b"--") { bytes.contains(&b'=') } else { bytes.len() > 2 };
    match option.takes {
        Takes::Nothing => 0,
        Takes::Two(_) | Takes::Pairs(_) => 2 - usize::from(inside),
        _ => usize::from(!inside),
    }
}

/// Whether a word gives that option, with or without a value in it.
fn matches(option: &CommandOption, word: &OsStr) -> bool {
    option.names().any(|name| spells(word, name))
        || option.letter().is_some_and(|letter| {
            let bytes = word.as_bytes();
            !bytes.starts_with(b"--")
                && bytes.get(1).is_some_and(|byte| char::from(*byte) == letter)
        })
}

fn spells(word: &OsStr, long: &str) -> bool {
    let rest =
        word.as_bytes().strip_prefix(b"--").and_then(|rest| rest.strip_prefix(long.as_bytes()));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
}

fn value_of<'a>(option: &'a [OsString], long: &str) -> Option<&'a OsStr> {
    let (word, values) = option.split_first().filter(|(word, _)| spells(word, long))?;
    let inside = word.as_bytes().strip_prefix(format!("--{long}=").as_bytes());
    inside.map(OsStr::from_bytes).or_else(|| values.first().map(OsString::as_os_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, words: &str) -> Call {
        Call::read(name, &words.split(' ').map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn options_keep_their_values_wherever_they_stand() {
        let call = call("restore", "--time 3D etc -oPort=22 -r hosts --merge --path=x /tmp/out");
        let words: Vec<_> = call.options.iter().map(Vec::len).collect();
        assert_eq!(words, [2, 1, 2, 1, 1]);
        assert_eq!(call.arguments, ["etc", "/tmp/out"]);
        assert_eq!(call.value("time"), Some(OsStr::new("3D")));
        assert_eq!(call.value("path"), Some(OsStr::new("x")));
    }

    #[test]
    fn the_kind_comes_first_and_dashes_end_the_options() {
        let backup = call("backup", "full --volsize 5 -- -dir full");
        assert_eq!(backup.kind, Some("full".into()));
        assert_eq!(backup.arguments, ["-dir", "full"]);
        assert_eq!(call("list", "--changes 1D now etc").options[0].len(), 3);
        assert!(Call::read("frob", &[]).is_none());
    }

    #[test]
    fn a_value_that_is_missing_is_left_to_the_command() {
        assert_eq!(call("list", "etc --changes 1D").options, [["--changes", "1D"]]);
        assert!(check("list", &["etc".into(), "--changes".into(), "1D".into()]).is_err());
    }
}
