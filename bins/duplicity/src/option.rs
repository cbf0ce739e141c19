//! An option of duplicity, and what becomes of it.

use clap::{Arg, ArgAction, value_parser};

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    /// A value; its name in `--help`.
    Value(&'static str),
    /// Two values.
    Two(&'static str),
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The option of that name of the command of `moo`, if that has it.
    Passed(&'static str),
    /// A selection, which counts in its order.
    Selection,
    /// What a filter makes of the patterns that follow.
    Filter,
    /// This program does it itself.
    Own,
    /// It tunes duplicity, or is for stores that moobacker has not: nothing is done.
    Tuning,
    /// It can't be done; why, and what to do.
    Refused(&'static str),
}

/// An option of duplicity, as a line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DuplicityOption {
    pub(crate) long: &'static str,
    /// Other names, mostly those of other versions.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) short: Option<char>,
    pub(crate) takes: Takes,
    /// The versions of duplicity that have it: from, and up to.
    pub(crate) versions: (&'static str, &'static str),
    pub(crate) does: Use,
    pub(crate) help: &'static str,
}

/// An option with a long name, which every version has.
pub(crate) const fn option(
    long: &'static str,
    takes: Takes,
    does: Use,
    help: &'static str,
) -> DuplicityOption {
    DuplicityOption { long, aliases: &[], short: None, takes, versions: ("", ""), does, help }
}

impl DuplicityOption {
    pub(crate) const fn aliases(self, aliases: &'static [&'static str]) -> DuplicityOption {
        DuplicityOption { aliases, ..self }
    }

    pub(crate) const fn short(self, short: char) -> DuplicityOption {
        DuplicityOption { short: Some(short), ..self }
    }

    pub(crate) const fn since(self, version: &'static str) -> DuplicityOption {
        DuplicityOption { versions: (version, self.versions.1), ..self }
    }

    pub(crate) const fn until(self, version: &'static str) -> DuplicityOption {
        DuplicityOption { versions: (self.versions.0, version), ..self }
    }

    pub(crate) fn arg(&self) -> Arg {
        let arg = Arg::new(self.long).long(self.long).aliases(self.aliases).help(self.described());
        let arg = if let Some(short) = self.short { arg.short(short) } else { arg };
        let arg = arg.action(ArgAction::Append).value_parser(value_parser!(std::ffi::OsString));
        let arg = if let Some(heading) = self.heading() { arg.help_heading(heading) } else { arg };
        match self.takes {
            Takes::Nothing => arg.num_args(0).default_missing_value(""),
            Takes::Value(name) => arg.value_name(name).allow_hyphen_values(true),
            Takes::Two(name) => arg.value_name(name).num_args(2).allow_hyphen_values(true),
        }
    }

    fn heading(&self) -> Option<&'static str> {
        match self.does {
            Use::Passed(_) | Use::Own => None,
            Use::Selection | Use::Filter => Some("Selection"),
            Use::Tuning => Some("Accepted without an effect"),
            Use::Refused(_) => Some("Refused"),
        }
    }

    fn described(&self) -> String {
        let names = self.aliases.iter().map(|name| format!("--{name}")).collect::<Vec<_>>();
        let mut text = self.help.to_owned();
        if let Use::Refused(why) = self.does {
            text = format!("{text}: {why}");
        }
        let versions = match self.versions {
            ("", "") => String::new(),
            (since, "") => format!("since {since}"),
            ("", until) => format!("until {until}"),
            (since, until) => format!("{since} to {until}"),
        };
        let also =
            if names.is_empty() { String::new() } else { format!("or {}", names.join(", ")) };
        let notes: Vec<_> = [also, versions].into_iter().filter(|note| !note.is_empty()).collect();
        if notes.is_empty() { text } else { format!("{text} ({})", notes.join("; ")) }
    }
}
