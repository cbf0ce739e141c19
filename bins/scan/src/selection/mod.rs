//! Which parts of a source are backed up: duplicity's rules. The first option that matches an
//! entry decides; what none matches is included. An include reaches up: a directory that could
//! hold what it matches is entered, and stored if something in it is.

mod build;
mod filelist;
mod marked;
mod only;
mod options;
mod rule;
mod spelling;
mod table;

use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use archive::{SetTime, TreePath};
use failure::{Failure, Reason, Status, shown};
use rustix::fs::{AtFlags, Stat};

pub(crate) use self::options::Words;

use self::build::Builder;
use self::only::Only;
use self::options::Sign;
use self::rule::{Rule, Subject};
use self::spelling::Spelling;
use crate::source::Source;

/// The option that leaves other file systems out.
pub(crate) const OTHER_FILESYSTEMS: &str = "--exclude-other-filesystems";

/// What is selected.
#[derive(Debug)]
pub(crate) struct Selection {
    rules: Vec<Rule>,
    marks: Vec<Mark>,
    no_devices: bool,
    no_caches: bool,
    no_nodump: bool,
    only: Option<Only>,
}

/// The name of a file that keeps its directory out, and the option's words.
#[derive(Debug)]
struct Mark {
    name: Vec<u8>,
    told: String,
}

/// What becomes of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    /// It is backed up, because of that; or because nothing speaks against it.
    Include(Option<&'a str>),
    /// It is backed up if something below it is.
    Enter,
    /// It is left out with all that is below it, because of that.
    Exclude(&'a str),
}

impl Selection {
    /// Reads options, and the lists that they name. Ages are counted back from `now`.
    ///
    /// # Errors
    /// A list that cannot be read, a pattern that is none or can match nothing, and a last option
    /// that includes: it would mean nothing.
    pub(crate) fn new(words: &Words, source: &Source, now: SetTime) -> Result<Selection, Failure> {
        let (spelling, null) = (Spelling::of(source), words.null_separator);
        let mut builder = Builder { source, spelling, now, null, rules: Vec::new() };
        words.ordered.iter().try_for_each(|word| builder.add(word))?;
        let rules = builder.rules;
        if let Some(told) = rules.last().and_then(Rule::ends_with_include) {
            let why = "means nothing as the last option, for what no option matches is included \
                anyway (is --exclude '**' missing behind it?)";
            return Err(Failure::of(Status::Usage, told, why));
        }
        Ok(Selection {
            rules,
            marks: marks(words)?,
            no_devices: words.no_devices,
            no_caches: words.no_caches,
            no_nodump: words.no_nodump,
            only: only(words)?,
        })
    }

    /// Whether all that is asked for is listed.
    pub(crate) fn lists(&self) -> bool {
        self.only.is_some()
    }

    /// The names to look at in a directory, sorted, if they were listed.
    pub(crate) fn names(&self, directory: &TreePath) -> Option<Vec<Vec<u8>>> {
        self.only.as_ref().map(|only| only.names(directory))
    }

    /// The only name to look at in a directory, if it is that of a cache whose content stays out.
    pub(crate) fn only_name(&self, directory: BorrowedFd<'_>) -> Option<&'static [u8]> {
        (self.no_caches && marked::is_cache(directory)).then_some(marked::TAG)
    }

    /// Decides about an entry below the source, which has that name in the directory `at`.
    ///
    /// # Errors
    /// A regular expression that goes astray.
    pub(crate) fn judge(
        &self,
        path: &TreePath,
        stat: Option<&Stat>,
        at: BorrowedFd<'_>,
        name: &[u8],
    ) -> Result<Verdict<'_>, Failure> {
        let subject = Subject::new(path, stat);
        if self.no_devices && subject.is_device() {
            return Ok(Verdict::Exclude("--exclude-device-files"));
        }
        if self.no_nodump && marked::is_nodump(at, name) {
            return Ok(Verdict::Exclude("--exclude-nodump"));
        }
        if subject.is_directory()
            && let Some(mark) = self.marks.iter().find(|mark| mark.is_in(at, name))
        {
            return Ok(Verdict::Exclude(&mark.told));
        }
        let verdict = self.by_rules(&subject);
        verdict.map_err(|why| Failure::new(Status::Failed, why))
    }

    fn by_rules(&self, subject: &Subject<'_>) -> Result<Verdict<'_>, String> {
        let mut above = false;
        for rule in &self.rules {
            let opinion = rule.judge(subject)?;
            above |= opinion.above;
            match opinion.decided {
                Some((Sign::Include, told)) => return Ok(Verdict::Include(Some(told))),
                Some((Sign::Exclude, told)) if !above => return Ok(Verdict::Exclude(told)),
                Some(_) => break,
                None => {}
            }
        }
        Ok(match above {
            true if subject.is_directory() => Verdict::Enter,
            true => Verdict::Exclude("an include of what would be below it"),
            false => Verdict::Include(None),
        })
    }
}

impl Mark {
    fn is_in(&self, at: BorrowedFd<'_>, directory: &[u8]) -> bool {
        let path = [directory, b"/", &self.name].concat();
        rustix::fs::statat(at, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }
}

fn marks(words: &Words) -> Result<Vec<Mark>, Failure> {
    let marks = words.marks.iter().map(|name| {
        let told = format!("--exclude-if-present {}", shown(name));
        let name = name.as_bytes().to_vec();
        if name.is_empty() || name.contains(&b'/') || name == b"." || name == b".." {
            return Err(Failure::of(Status::Usage, told, "not the name of a file"));
        }
        Ok(Mark { name, told })
    });
    marks.collect()
}

fn only(words: &Words) -> Result<Option<Only>, Failure> {
    let Some(path) = &words.files_from else {
        return Ok(None);
    };
    let text = filelist::read(path)?;
    let only = Only::parse(&text, words.null_separator, &shown(path).to_string())?;
    if only.is_empty() {
        let why = "lists no path, so nothing would be backed up";
        let failure = Failure::of(Status::Usage, shown(&path), why);
        return Err(failure.because(Reason::EmptyList));
    }
    Ok(Some(only))
}
