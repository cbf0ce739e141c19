//! A command of `moo`: what it is for, its arguments and its options.

use clap::{Arg, ArgAction, Command, value_parser};

use crate::groups::Group;
use crate::option::CommandOption;
use crate::stage::Stage;

/// An argument that is no option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument {
    /// Its name in `--help`.
    pub(crate) name: &'static str,
    /// Where it goes.
    pub(crate) place: Place,
    pub(crate) help: &'static str,
}

/// Where an argument goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Into a variable of the script.
    Needed(&'static str),
    /// Into a variable of the script, which is empty if the argument is missing.
    Optional(&'static str),
    /// All that are left: paths for a stage.
    Paths(Stage),
    /// All that are left: into a variable of the script, each followed by a newline.
    Lines(&'static str),
}

/// A command of `moo`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MooCommand {
    /// Its name.
    pub(crate) name: &'static str,
    /// How it is called, a line for each way.
    pub(crate) usage: &'static [&'static str],
    /// What it does, in a line.
    pub(crate) about: &'static str,
    /// What it does, in a paragraph or two.
    pub(crate) description: &'static str,
    /// Words that may come first, and the value that each gives the variable `type`.
    pub(crate) types: &'static [(&'static str, &'static str)],
    /// Its arguments.
    pub(crate) arguments: &'static [Argument],
    /// Its options.
    pub(crate) groups: &'static [Group],
    /// How `--help` ends.
    pub(crate) after: &'static str,
}

impl MooCommand {
    /// All its options.
    pub(crate) fn options(&self) -> impl Iterator<Item = &'static CommandOption> {
        self.groups.iter().flat_map(|group| group.options)
    }

    /// Its name as its messages begin with it.
    pub(crate) fn title(&self) -> String {
        if self.name.ends_with(".sh") { self.name.to_owned() } else { format!("moo {}", self.name) }
    }

    /// Its definition for clap.
    pub(crate) fn command(&self) -> Command {
        let command = Command::new(self.name)
            .bin_name(self.title())
            .display_name(self.title())
            .version(env!("CARGO_PKG_VERSION"))
            .about(self.about)
            .long_about(format!("{}\n\n{}", self.about, self.description))
            .override_usage(self.usage.join("\n       "))
            .after_help(self.after)
            .args_override_self(true);
        let arguments = self.arguments.iter().map(Argument::arg);
        let options = self.groups.iter().flat_map(|group| {
            group.options.iter().map(|option| {
                let arg = option.arg().help_heading(group.heading);
                let Some(argument) = group.needs else { return arg };
                // What the argument can't be given with, these can't either.
                let others = self.options().filter(|other| other.excludes(argument));
                arg.requires(argument).conflicts_with_all(others.map(|other| other.long))
            })
        });
        command.args(arguments).args(options)
    }
}

impl Argument {
    pub(crate) const fn needed(
        name: &'static str,
        variable: &'static str,
        help: &'static str,
    ) -> Argument {
        Argument { name, place: Place::Needed(variable), help }
    }

    pub(crate) const fn optional(
        name: &'static str,
        variable: &'static str,
        help: &'static str,
    ) -> Argument {
        Argument { name, place: Place::Optional(variable), help }
    }

    fn arg(&self) -> Arg {
        let arg = Arg::new(self.name).value_name(self.name).help(self.help);
        let arg = arg.value_parser(value_parser!(std::ffi::OsString));
        match self.place {
            Place::Needed(_) => arg.required(true),
            Place::Optional(_) => arg,
            Place::Paths(_) | Place::Lines(_) => arg.action(ArgAction::Append).num_args(0..),
        }
    }
}

/// A group of the command's own options.
pub(crate) const fn own(options: &'static [CommandOption]) -> Group {
    Group { heading: None, needs: None, options }
}
