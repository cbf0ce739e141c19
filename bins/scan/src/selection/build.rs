//! From the options to the rules.

use std::error::Error;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use archive::{SetTime, parse_time};
use failure::{Failure, OrFail, Reason, Status, shown};
use fancy_regex::{CompileError, Regex};
use globs::letters;

use super::OTHER_FILESYSTEMS;
use super::filelist;
use super::options::{Sign, Word};
use super::rule::Rule;
use super::spelling::Spelling;
use super::table::Table;
use crate::source::Source;

/// Makes rules of options.
pub(crate) struct Builder<'a> {
    pub(crate) source: &'a Source,
    pub(crate) spelling: Spelling,
    pub(crate) now: SetTime,
    /// Whether the entries of lists end with NUL.
    pub(crate) null: bool,
    pub(crate) rules: Vec<Rule>,
}

impl Builder<'_> {
    pub(crate) fn add(&mut self, word: &Word) -> Result<(), Failure> {
        match word {
            Word::Glob(sign, glob) => {
                let told = told(&option(*sign, ""), glob);
                self.glob(*sign, glob.as_bytes(), told)
            }
            Word::Filelist(sign, path) => self.filelist(*sign, path),
            Word::Regexp(sign, text) => self.regexp(*sign, text),
            Word::OlderThan(time) => {
                let told = format!("--exclude-older-than {time}");
                let seconds = parse_time(time, self.now).or_fail(Status::Usage, &told)?.seconds();
                self.rules.push(Rule::OlderThan { seconds, told });
                Ok(())
            }
            Word::LargerThan(text) => {
                let told = format!("--exclude-larger-than {text}");
                let why = "not a size, such as 500M or 2G (K, M, G and T are units of 1,024)";
                let bytes = cli::size::parse(text);
                let bytes = bytes.ok_or_else(|| Failure::of(Status::Usage, &told, why))?;
                self.rules.push(Rule::LargerThan { bytes, told });
                Ok(())
            }
            Word::OtherFilesystems => {
                let told = OTHER_FILESYSTEMS.to_owned();
                self.rules.push(Rule::OtherFilesystems { device: self.source.stat.st_dev, told });
                Ok(())
            }
        }
    }

    fn glob(&mut self, sign: Sign, pattern: &[u8], told: String) -> Result<(), Failure> {
        let glob = self.spelling.read(pattern);
        let glob = glob.map_err(|why| refused(&told, why))?;
        let Some((path, directories)) = glob.literal() else {
            self.rules.push(Rule::Glob { sign, glob, told });
            return Ok(());
        };
        if let Some(Rule::Plain(table)) = self.rules.last_mut() {
            table.push(path, directories, sign, told);
            return Ok(());
        }
        let mut table = Table::default();
        table.push(path, directories, sign, told);
        self.rules.push(Rule::Plain(table));
        Ok(())
    }

    fn filelist(&mut self, sign: Sign, path: &Path) -> Result<(), Failure> {
        let text = filelist::read(path)?;
        for line in filelist::patterns(&text, sign, self.null) {
            let list = format!("{}, line {}", shown(&path), line.number);
            let pattern = OsStr::from_bytes(line.pattern);
            let words = told(&option(line.sign, ""), pattern);
            let told = format!("{words} ({list})");
            self.glob(line.sign, line.pattern, told)?;
        }
        Ok(())
    }

    fn regexp(&mut self, sign: Sign, text: &OsStr) -> Result<(), Failure> {
        let told = told(&option(sign, "-regexp"), text);
        let regexp = Regex::new(&letters(text.as_bytes()));
        let refuse = |error| Failure::of(Status::Usage, &told, one_line(&error));
        let regexp = Box::new(regexp.map_err(refuse)?);
        let base = self.spelling.stock().to_vec();
        self.rules.push(Rule::Regexp { sign, regexp, base, told });
        Ok(())
    }
}

fn option(sign: Sign, kind: &str) -> String {
    let verb = if sign == Sign::Include { "include" } else { "exclude" };
    format!("--{verb}{kind}")
}

/// A pattern that matches nothing that could be in the source.
fn refused(told: &str, why: String) -> Failure {
    Failure::of(Status::Usage, told, why).because(Reason::OutsideSource)
}

/// An option as it was written.
fn told(option: &str, value: &OsStr) -> String {
    format!("{option} {}", shown(value))
}

/// An error that may show the expression above its last line, in the words of its innermost cause.
fn one_line(error: &fancy_regex::Error) -> String {
    let mut cause: &dyn Error = match error {
        fancy_regex::Error::CompileError(CompileError::InnerError(inner)) => inner,
        other => other,
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_lowercase()
}
