//! One option of a selection, or many plain patterns in a row, as a test of an entry.

use std::cell::OnceCell;

use archive::TreePath;
use fancy_regex::Regex;
use globs::{Glob, Symbol, letters, symbols};
use rustix::fs::{FileType, Stat};

use crate::Sign;
use crate::table::Table;

/// An entry, as far as a selection asks.
pub struct Subject<'a> {
    path: &'a TreePath,
    kind: Option<FileType>,
    /// None if nothing but its kind is known.
    stat: Option<&'a Stat>,
    symbols: OnceCell<Vec<Symbol>>,
}

impl<'a> Subject<'a> {
    /// An object of the source; the system may say nothing of it.
    pub fn new(path: &'a TreePath, stat: Option<&'a Stat>) -> Subject<'a> {
        let kind = stat.map(|stat| FileType::from_raw_mode(stat.st_mode));
        Subject { path, kind, stat, symbols: OnceCell::new() }
    }

    /// An entry of a backup, which is a directory or something else.
    pub(crate) fn of_backup(path: &'a TreePath, is_directory: bool) -> Subject<'a> {
        let kind = if is_directory { FileType::Directory } else { FileType::Unknown };
        Subject { path, kind: Some(kind), stat: None, symbols: OnceCell::new() }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Some(FileType::Directory)
    }

    /// Whether it is a device.
    pub fn is_device(&self) -> bool {
        matches!(self.kind, Some(FileType::CharacterDevice | FileType::BlockDevice))
    }

    fn symbols(&self) -> &[Symbol] {
        self.symbols.get_or_init(|| symbols(self.path.as_bytes()))
    }
}

/// A test of entries.
#[derive(Debug)]
pub(crate) enum Rule {
    Plain(Table),
    Glob { sign: Sign, glob: Glob, told: String },
    Regexp { sign: Sign, regexp: Box<Regex>, base: Vec<u8>, told: String },
    OlderThan { seconds: i64, told: String },
    LargerThan { bytes: u64, told: String },
    OtherFilesystems { device: Option<u64>, told: String },
}

/// What a rule says of an entry.
#[derive(Debug)]
pub(crate) struct Opinion<'a> {
    /// Whether something below it was asked for.
    pub(crate) above: bool,
    /// What it decides, and the option's words.
    pub(crate) decided: Option<(Sign, &'a str)>,
}

impl Rule {
    /// # Errors
    /// A regular expression that goes astray.
    pub(crate) fn judge(&self, subject: &Subject<'_>) -> Result<Opinion<'_>, String> {
        let decided = match self {
            Rule::Plain(table) => {
                let found = table.look(subject.path.as_bytes(), subject.is_directory());
                return Ok(Opinion { above: found.above, decided: found.decided });
            }
            Rule::Glob { sign, glob, told } => return Ok(by_glob(*sign, glob, told, subject)),
            Rule::Regexp { sign, regexp, base, told } => {
                let path = [base, subject.path.as_bytes()].concat();
                let found = regexp.is_match(&letters(&path));
                let found =
                    found.map_err(|_| format!("{told}: takes too long on {}", letters(&path)))?;
                found.then_some((*sign, told.as_str()))
            }
            Rule::OlderThan { seconds, told } => {
                let is_file = subject.kind == Some(FileType::RegularFile);
                let old = subject.stat.is_some_and(|stat| stat.st_mtime < *seconds);
                (is_file && old).then_some((Sign::Exclude, told.as_str()))
            }
            Rule::LargerThan { bytes, told } => {
                let is_file = subject.kind == Some(FileType::RegularFile);
                let size = subject.stat.and_then(|stat| u64::try_from(stat.st_size).ok());
                let large = size.is_some_and(|size| size > *bytes);
                (is_file && large).then_some((Sign::Exclude, told.as_str()))
            }
            Rule::OtherFilesystems { device, told } => {
                let other = subject.stat.is_some_and(|stat| Some(stat.st_dev) != *device);
                other.then_some((Sign::Exclude, told.as_str()))
            }
        };
        Ok(Opinion { above: false, decided })
    }

    /// The words of its last option, if that includes.
    pub(crate) fn ends_with_include(&self) -> Option<&str> {
        match self {
            Rule::Plain(table) => table.ends_with_include(),
            Rule::Glob { sign: Sign::Include, told, .. }
            | Rule::Regexp { sign: Sign::Include, told, .. } => Some(told),
            _ => None,
        }
    }
}

fn by_glob<'a>(sign: Sign, glob: &Glob, told: &'a str, subject: &Subject<'_>) -> Opinion<'a> {
    let path = subject.symbols();
    if glob.matches(path, subject.is_directory()) {
        return Opinion { above: false, decided: Some((sign, told)) };
    }
    // To what would be matched as a directory, and is none, it says nothing at all.
    let may_hold = sign == Sign::Include && !glob.matches(path, true);
    Opinion { above: may_hold && glob.reaches_below(path), decided: None }
}
