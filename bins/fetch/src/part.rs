//! The options that name a part of a state.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use archive::TreePath;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use failure::{Failure, OrFail, Status};
use selection::{Builder, PathOptions, Pattern, Spelling, Word, in_order};
use stream::RestoreRequest;

/// The options of [`Part`], which other options exclude.
pub(crate) const OPTIONS: [&str; 8] = [
    "path",
    "include",
    "exclude",
    "include_filelist",
    "exclude_filelist",
    "include_regexp",
    "exclude_regexp",
    "null_separator",
];

/// A part of a state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    paths: Vec<OsString>,
    words: Vec<Word>,
    null_separator: bool,
}

#[derive(Args)]
// By default a group has the name of its struct, and that of the store has this one already.
#[group(id = "part")]
struct Options {
    /// Fetch only the file or directory PATH, relative to the source. Can be repeated: then each PATH
    /// is restored below the destination, with the directories above it
    #[arg(short, long, value_name = "PATH", allow_hyphen_values = true)]
    path: Vec<OsString>,
    #[command(flatten)]
    paths: PathOptions,
    /// Lists end their entries with NUL, not with a newline
    #[arg(long, overrides_with = "null_separator")]
    null_separator: bool,
}

impl Args for Part {
    fn augment_args(command: Command) -> Command {
        Options::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Options::augment_args_for_update(command)
    }
}

impl FromArgMatches for Part {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Part, clap::Error> {
        let options = Options::from_arg_matches(matches)?;
        let words = in_order(options.paths.placed(matches));
        Ok(Part { paths: options.path, words, null_separator: options.null_separator })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Part::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Part {
    /// Whether something at or below the one path may be left out.
    pub(crate) fn is_filtered(&self) -> bool {
        self.paths.len() > 1 || !self.words.is_empty()
    }

    /// Whether a path is named.
    pub(crate) fn has_path(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Asks for it.
    ///
    /// # Errors
    /// A path that is none, a list that cannot be read, a pattern that is none or can match nothing, and
    /// a last pattern that includes.
    pub(crate) fn request(&self) -> Result<RestoreRequest, Failure> {
        // Names are bytes, and need not be text.
        let path = |path: &OsString| {
            // A variable without a value must not restore everything.
            if path.is_empty() {
                let why = "empty; leave --path out to restore everything";
                return Err(Failure::of(Status::Usage, "--path", why));
            }
            let path = TreePath::parse(path.as_bytes()).or_fail(Status::Usage, "--path")?;
            Ok(path.as_bytes().to_vec())
        };
        let mut paths: Vec<_> = self.paths.iter().map(path).collect::<Result<_, Failure>>()?;
        let lists = self.words.iter().map(|word| word.patterns(self.null_separator));
        let patterns: Vec<Pattern> = lists.collect::<Result<Vec<_>, _>>()?.concat();
        // A mistake is found before anything is fetched.
        Builder::of_patterns(Spelling::of_backup(), patterns.clone())?;
        Ok(RestoreRequest {
            path: if paths.len() == 1 { paths.pop() } else { None },
            paths,
            patterns: patterns.into_iter().map(stream::Pattern::from).collect(),
            ..RestoreRequest::default()
        })
    }
}
