//! A pattern of an option, or of a list that an option names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use failure::{Failure, shown};

use crate::{Sign, filelist};

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(crate) sign: Sign,
    /// Whether it is a regular expression, and not a shell pattern.
    pub(crate) is_regexp: bool,
    pub(crate) text: Vec<u8>,
    /// As a person gave it.
    pub(crate) told: String,
}

impl Pattern {
    pub(crate) fn glob(sign: Sign, text: &[u8]) -> Pattern {
        Pattern::new(sign, false, text)
    }

    pub(crate) fn regexp(sign: Sign, text: &[u8]) -> Pattern {
        Pattern::new(sign, true, text)
    }

    fn new(sign: Sign, is_regexp: bool, text: &[u8]) -> Pattern {
        let verb = if sign == Sign::Include { "include" } else { "exclude" };
        let kind = if is_regexp { "-regexp" } else { "" };
        let told = format!("--{verb}{kind} {}", shown(OsStr::from_bytes(text)));
        Pattern { sign, is_regexp, text: text.to_vec(), told }
    }

    /// The patterns of a list.
    pub(crate) fn listed(sign: Sign, path: &Path, null: bool) -> Result<Vec<Pattern>, Failure> {
        let text = filelist::read(path)?;
        let lines = filelist::patterns(&text, sign, null);
        let patterns = lines.map(|line| {
            let pattern = Pattern::glob(line.sign, line.pattern);
            let told = format!("{} ({}, line {})", pattern.told, shown(&path), line.number);
            Pattern { told, ..pattern }
        });
        Ok(patterns.collect())
    }
}

impl From<&stream::Pattern> for Pattern {
    fn from(given: &stream::Pattern) -> Pattern {
        let sign = if given.include { Sign::Include } else { Sign::Exclude };
        Pattern::new(sign, given.regexp, &given.text)
    }
}

impl From<Pattern> for stream::Pattern {
    fn from(pattern: Pattern) -> stream::Pattern {
        let include = pattern.sign == Sign::Include;
        stream::Pattern { include, regexp: pattern.is_regexp, text: pattern.text }
    }
}
