//! The definition of the whole command line.

use clap::{Arg, ArgAction, Command, value_parser};

use crate::option::{DuplicityOption, Takes, Use, option};
use crate::table::{OWN_MEANING, STORE_FLAGS, STORE_VALUES};

/// The definition of the whole command line for clap.
pub(crate) fn command() -> Command {
    let words = Arg::new("words").value_name("WORD").action(ArgAction::Append);
    Command::new("moobacker-duplicity")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Run duplicity's command line with moobacker")
        .long_about(LONG)
        .override_usage(USAGE)
        .after_help(EXAMPLES)
        .disable_version_flag(true)
        .infer_long_args(true)
        .arg(words.value_parser(value_parser!(std::ffi::OsString)).hide(true))
        .args(all().map(|option| option.arg()))
}

/// All options.
pub(crate) fn all() -> impl Iterator<Item = DuplicityOption> {
    let help = "For stores that moobacker reaches through rclone";
    let flags = STORE_FLAGS.iter().map(|long| option(long, Takes::Nothing, Use::Tuning, help));
    let values =
        STORE_VALUES.iter().map(|(long, name)| option(long, Takes::Value(name), Use::Tuning, help));
    OWN_MEANING.iter().copied().chain(flags).chain(values)
}

const LONG: &str = "\
Run duplicity's command line with moobacker

moobacker-duplicity takes the command line of duplicity 0.8 to 3.2 and runs the commands of moo: stores,
archive directories, output and exit statuses are duplicity's. Give it the name duplicity where programs
look for that.";

const USAGE: &str = "\
moobacker-duplicity [backup|full|incremental] [options] SOURCE URL
       moobacker-duplicity [restore] [options] URL DEST
       moobacker-duplicity verify [options] URL SOURCE
       moobacker-duplicity collection-status [options] URL
       moobacker-duplicity list-current-files [options] URL
       moobacker-duplicity cleanup [options] URL
       moobacker-duplicity remove-older-than TIME [options] URL
       moobacker-duplicity remove-all-but-n-full COUNT [options] URL
       moobacker-duplicity remove-all-inc-of-but-n-full COUNT [options] URL
       moobacker-duplicity replicate [options] URL1 URL2";

const EXAMPLES: &str = "\
Examples:
  moobacker-duplicity --encrypt-key KEY --full-if-older-than 1M /etc file:///srv/backup
  moobacker-duplicity restore --path-to-restore hosts file:///srv/backup /tmp/hosts
  moobacker-duplicity collection-status file:///srv/backup";
