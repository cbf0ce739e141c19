//! The words of a call, told apart: options in their order, and the rest.

use std::ffi::{OsStr, OsString};

use clap::ArgMatches;
use clap::error::ErrorKind;

use crate::code::Refusal;
use crate::option::{DuplicityOption, Takes, Use};
use crate::{definition, value};

/// An option as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) option: DuplicityOption,
    pub(crate) values: Vec<OsString>,
}

impl Given {
    /// Its value, if it has one.
    pub(crate) fn value(&self) -> Option<&OsStr> {
        self.values.first().map(OsString::as_os_str)
    }
}

/// The options and the other words of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandLine {
    pub(crate) options: Vec<Given>,
    pub(crate) words: Vec<OsString>,
}

/// What a call asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Text on standard output, such as help.
    Text(String),
    /// Work.
    Work(CommandLine),
}

impl CommandLine {
    /// Reads the words after the name of the program.
    ///
    /// # Errors
    /// An unknown option, or one without its value: duplicity's error of the command line.
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Asked, Refusal> {
        let name = OsString::from("moobacker-duplicity");
        let found = definition::command().try_get_matches_from(std::iter::once(name).chain(words));
        match found {
            Ok(found) => Ok(Asked::Work(CommandLine::of(found))),
            Err(error) if error.kind() == ErrorKind::DisplayHelp => {
                Ok(Asked::Text(error.to_string()))
            }
            Err(error) => Err(Refusal::usage(cli::misuse(&error))),
        }
    }

    fn of(mut found: ArgMatches) -> CommandLine {
        let mut options = Vec::new();
        for option in definition::all() {
            let Some(places) = found.indices_of(option.long) else { continue };
            let places: Vec<usize> = places.collect();
            let values: Vec<OsString> =
                found.remove_many(option.long).into_iter().flatten().collect();
            let count = if matches!(option.takes, Takes::Two(_)) { 2 } else { 1 };
            for (place, values) in places.chunks(count).zip(values.chunks(count)) {
                options.push((place[0], Given { option, values: values.to_vec() }));
            }
        }
        options.sort_by_key(|(place, _)| *place);
        let options = options.into_iter().map(|(_, given)| given).collect();
        let words = found.remove_many("words").into_iter().flatten().collect();
        CommandLine { options, words }
    }

    /// As much of a wrong call as can be read, such as where its messages go.
    pub(crate) fn partly(words: impl Iterator<Item = OsString>) -> CommandLine {
        let name = OsString::from("moobacker-duplicity");
        let command = definition::command().ignore_errors(true);
        let found = command.try_get_matches_from(std::iter::once(name).chain(words));
        found.map(CommandLine::of).unwrap_or_default()
    }

    /// Whether an option was given.
    pub(crate) fn has(&self, long: &str) -> bool {
        self.options.iter().any(|given| given.option.long == long)
    }

    /// The value of an option, as it was given last.
    pub(crate) fn value(&self, long: &str) -> Option<&OsStr> {
        self.values(long).last()
    }

    /// All values of an option.
    pub(crate) fn values(&self, long: &str) -> impl Iterator<Item = &OsStr> {
        let given = self.options.iter().filter(move |given| given.option.long == long);
        given.filter_map(|given| given.values.first()).map(OsString::as_os_str)
    }

    /// The first option that can't be done.
    ///
    /// # Errors
    /// That option, and why.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let refused = |given: &Given| match given.option.does {
            Use::Refused(why) => Some((given.option.long, why)),
            _ => None,
        };
        match self.options.iter().find_map(refused) {
            Some((long, why)) => Err(Refusal::usage(format!("--{long}: not supported; {why}"))),
            None => {
                self.options.iter().try_for_each(|given| value::check(&given.option, given.value()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(words: &str) -> CommandLine {
        let words = words.split(' ').map(OsString::from);
        match CommandLine::read(words) {
            Ok(Asked::Work(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    fn told(line: &CommandLine) -> Vec<String> {
        let one = |given: &Given| format!("{} {:?}", given.option.long, given.values);
        line.options.iter().map(one).collect()
    }

    #[test]
    fn options_stand_anywhere_and_keep_their_order() {
        let line = read("--exclude a full --include=b -v9 s --exclude **c -t 3D file:///x --force");
        assert_eq!(line.words, ["full", "s", "file:///x"]);
        let expected = [
            "exclude [\"a\"]",
            "include [\"b\"]",
            "verbosity [\"9\"]",
            "exclude [\"**c\"]",
            "restore-time [\"3D\"]",
            "force [\"\"]",
        ];
        assert_eq!(told(&line), expected);
    }

    #[test]
    fn unambiguous_prefixes_and_names_of_other_versions_are_the_same_option() {
        let line = read("--no-encrypt --num-ret=2 --file-to-restore x --time now --exclude-glob y");
        let expected = [
            "no-encryption [\"\"]",
            "num-retries [\"2\"]",
            "path-to-restore [\"x\"]",
            "restore-time [\"now\"]",
            "exclude-globbing-filelist [\"y\"]",
        ];
        assert_eq!(told(&line), expected);
        assert!(CommandLine::read(["--no-".into()].into_iter()).is_err());
        assert!(CommandLine::read(["--frob".into()].into_iter()).is_err());
        assert!(CommandLine::read(["--name".into()].into_iter()).is_err());
    }

    #[test]
    fn a_value_may_look_like_an_option() {
        let line = read("--gpg-options --no-use-agent --ssh-options=-oPort=22 --rename a -b");
        assert_eq!(line.value("gpg-options"), Some("--no-use-agent".as_ref()));
        assert_eq!(line.value("ssh-options"), Some("-oPort=22".as_ref()));
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_its_name() {
        let refused = read("--use-gpgsm s file:///x").check().unwrap_err();
        assert!(refused.text.starts_with("--use-gpgsm: not supported; "), "{}", refused.text);
        assert!(read("--use-agent s file:///x").check().is_ok());
    }

    proptest! {
        #[test]
        fn any_words_are_read_without_a_panic(words: Vec<String>) {
            let _ = CommandLine::read(words.into_iter().map(OsString::from));
        }
    }
}
