//! The options that select, in the order in which they were given.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use failure::Failure;

use crate::Pattern;

/// What a pattern says of what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It is backed up, or restored.
    Include,
    /// It is not.
    Exclude,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A shell pattern.
    Glob(Sign, OsString),
    /// A list of shell patterns.
    Filelist(Sign, PathBuf),
    /// A regular expression.
    Regexp(Sign, OsString),
    /// Excludes files that were modified before a time.
    OlderThan(String),
    /// Excludes files of more bytes.
    LargerThan(String),
    /// Excludes other file systems than that of the source.
    OtherFilesystems,
}

impl Word {
    /// Its patterns; none of one that selects in another way.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub fn patterns(&self, null: bool) -> Result<Vec<Pattern>, Failure> {
        Ok(match self {
            Word::Glob(sign, glob) => vec![Pattern::glob(*sign, glob.as_bytes())],
            Word::Regexp(sign, text) => vec![Pattern::regexp(*sign, text.as_bytes())],
            Word::Filelist(sign, path) => Pattern::listed(*sign, path, null)?,
            Word::OlderThan(_) | Word::LargerThan(_) | Word::OtherFilesystems => Vec::new(),
        })
    }
}

/// The options that select by path.
#[derive(Args, Clone, Debug, Default)]
pub struct PathOptions {
    /// Include paths that match the shell pattern GLOB; the first selection that matches decides
    #[arg(long, value_name = "GLOB")]
    include: Vec<OsString>,
    /// Exclude paths that match the shell pattern GLOB; the first selection that matches decides
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<OsString>,
    /// Include the patterns in FILE, one per line; a line that begins with "- " excludes
    #[arg(long, value_name = "FILE", alias = "include-globbing-filelist")]
    include_filelist: Vec<PathBuf>,
    /// Exclude the patterns in FILE, one per line; a line that begins with "+ " includes
    #[arg(long, value_name = "FILE", alias = "exclude-globbing-filelist")]
    exclude_filelist: Vec<PathBuf>,
    /// Include paths in which the regular expression REGEXP matches
    #[arg(long, value_name = "REGEXP")]
    include_regexp: Vec<OsString>,
    /// Exclude paths in which the regular expression REGEXP matches
    #[arg(long, value_name = "REGEXP")]
    exclude_regexp: Vec<OsString>,
}

impl PathOptions {
    /// The options, each with its place in the call.
    pub fn placed(&self, matches: &ArgMatches) -> Vec<(usize, Word)> {
        use Sign::{Exclude, Include};
        let glob = |sign| move |glob| Word::Glob(sign, glob);
        let list = |sign| move |path| Word::Filelist(sign, path);
        let regexp = |sign| move |text| Word::Regexp(sign, text);
        [
            place(matches, "include", &self.include, glob(Include)),
            place(matches, "exclude", &self.exclude, glob(Exclude)),
            place(matches, "include_filelist", &self.include_filelist, list(Include)),
            place(matches, "exclude_filelist", &self.exclude_filelist, list(Exclude)),
            place(matches, "include_regexp", &self.include_regexp, regexp(Include)),
            place(matches, "exclude_regexp", &self.exclude_regexp, regexp(Exclude)),
        ]
        .concat()
    }
}

/// The values of an option as words, each with its place in the call.
pub fn place<T: Clone>(
    matches: &ArgMatches,
    id: &str,
    values: &[T],
    word: impl Fn(T) -> Word,
) -> Vec<(usize, Word)> {
    let given = matches.value_source(id) == Some(ValueSource::CommandLine);
    let places = matches.indices_of(id).filter(|_| given).into_iter().flatten();
    places.zip(values.iter().cloned().map(word)).collect()
}

/// The words in the order of the call, which counts.
pub fn in_order(mut placed: Vec<(usize, Word)>) -> Vec<Word> {
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, word)| word).collect()
}
