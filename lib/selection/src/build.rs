//! From the options to the rules.

use std::error::Error;

use archive::{SetTime, parse_time};
use failure::{Failure, OrFail, Reason, Status};
use fancy_regex::{CompileError, Regex};
use globs::letters;

use crate::rule::Rule;
use crate::spelling::Spelling;
use crate::table::Table;
use crate::{OTHER_FILESYSTEMS, Pattern, Rules, Word};

/// Makes rules of options.
pub struct Builder {
    /// How patterns name what they match.
    pub spelling: Spelling,
    /// From when ages are counted back.
    pub now: SetTime,
    /// Whether the entries of lists end with NUL.
    pub null: bool,
    /// The file system of the source.
    pub device: Option<u64>,
    rules: Vec<Rule>,
}

impl Builder {
    /// For patterns in that spelling.
    pub fn new(spelling: Spelling, now: SetTime, null: bool) -> Builder {
        Builder { spelling, now, null, device: None, rules: Vec::new() }
    }

    /// Makes the rules of options.
    ///
    /// # Errors
    /// A list that cannot be read, a pattern that is none or can match nothing, and a last option that
    /// includes: it would mean nothing.
    pub fn build(mut self, words: &[Word]) -> Result<Rules, Failure> {
        words.iter().try_for_each(|word| self.add(word))?;
        self.finish()
    }

    fn finish(self) -> Result<Rules, Failure> {
        if let Some(told) = self.rules.last().and_then(Rule::ends_with_include) {
            let why = "means nothing as the last option, for what no option matches is included \
                anyway (is --exclude '**' missing after it?)";
            return Err(Failure::of(Status::Usage, told, why).because(Reason::LastIncludes));
        }
        Ok(Rules(self.rules))
    }

    /// Makes the rules of patterns.
    ///
    /// # Errors
    /// As those of [`Builder::build`].
    pub fn of_patterns(spelling: Spelling, patterns: Vec<Pattern>) -> Result<Rules, Failure> {
        let mut builder = Builder::new(spelling, SetTime::LAST, false);
        patterns.into_iter().try_for_each(|pattern| builder.pattern(pattern))?;
        builder.finish()
    }

    fn add(&mut self, word: &Word) -> Result<(), Failure> {
        match word {
            Word::Glob(..) | Word::Filelist(..) | Word::Regexp(..) => {
                let patterns = word.patterns(self.null)?;
                patterns.into_iter().try_for_each(|pattern| self.pattern(pattern))
            }
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
                self.rules.push(Rule::OtherFilesystems { device: self.device, told });
                Ok(())
            }
        }
    }

    fn pattern(&mut self, pattern: Pattern) -> Result<(), Failure> {
        if pattern.is_regexp { self.regexp(pattern) } else { self.glob(pattern) }
    }

    fn glob(&mut self, pattern: Pattern) -> Result<(), Failure> {
        let Pattern { sign, text, told, .. } = pattern;
        let glob = self.spelling.read(&text);
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

    fn regexp(&mut self, pattern: Pattern) -> Result<(), Failure> {
        let Pattern { sign, text, told, .. } = pattern;
        let regexp = Regex::new(&letters(&text));
        let refuse = |error| Failure::of(Status::Usage, &told, one_line(&error));
        let regexp = Box::new(regexp.map_err(refuse)?);
        let base = self.spelling.stock().to_vec();
        self.rules.push(Rule::Regexp { sign, regexp, base, told });
        Ok(())
    }
}

/// A pattern that matches nothing that could be in the source.
fn refused(told: &str, why: String) -> Failure {
    Failure::of(Status::Usage, told, why).because(Reason::OutsideSource)
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
