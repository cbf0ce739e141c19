//! Which parts of a source are backed up: by duplicity's rules, by marks in the source, and by a list
//! of all that is asked for.

mod marked;
mod only;
mod options;

use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use archive::{SetTime, TreePath};
use failure::{Failure, Reason, Status, shown};
use rustix::fs::{AtFlags, Stat};
use selection::{Builder, Rules, Spelling, Subject, Verdict, Word, filelist};

pub(crate) use self::options::Words;

use self::only::Only;
use crate::source::Source;

/// What is selected.
#[derive(Debug)]
pub(crate) struct Selection {
    rules: Rules,
    marks: Vec<Mark>,
    no_devices: bool,
    no_caches: bool,
    no_nodump: bool,
    stays_on_device: bool,
    only: Option<Only>,
}

/// The name of a file that keeps its directory out, and the option's words.
#[derive(Debug)]
struct Mark {
    name: Vec<u8>,
    told: String,
}

impl Selection {
    /// Reads options, and the lists that they name. Ages are counted back from `now`.
    ///
    /// # Errors
    /// A list that cannot be read, a pattern that is none or can match nothing, and a last option
    /// that includes: it would mean nothing.
    pub(crate) fn new(words: &Words, source: &Source, now: SetTime) -> Result<Selection, Failure> {
        let spelling = Spelling::of_source(&source.name, &source.spelt);
        let mut builder = Builder::new(spelling, now, words.null_separator);
        builder.device = Some(source.stat.st_dev);
        Ok(Selection {
            rules: builder.build(&words.ordered)?,
            marks: marks(words)?,
            no_devices: words.no_devices,
            no_caches: words.no_caches,
            no_nodump: words.no_nodump,
            stays_on_device: words.ordered.contains(&Word::OtherFilesystems),
            only: only(words)?,
        })
    }

    /// Whether other file systems than that of the source are left out.
    pub(crate) fn stays_on_device(&self) -> bool {
        self.stays_on_device
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
        self.rules.judge(&subject).map_err(|why| Failure::new(Status::Failed, why))
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
