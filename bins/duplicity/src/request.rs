//! What a call asks for: an action, a store, and a folder of this machine.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use archive::{Prefixes, WrongPrefix};
use failure::shown;

use crate::action::Action;
use crate::code::Refusal;
use crate::command_line::CommandLine;
use crate::url::{Url, is_url};
use crate::value;

/// The names of the actions; the first one of each is the one that messages use.
const NAMES: [(&str, &[&str]); 12] = [
    ("backup", &["bu"]),
    ("full", &["fb"]),
    ("incremental", &["inc", "incr", "ib"]),
    ("restore", &["rb"]),
    ("verify", &["vb"]),
    ("collection-status", &["st"]),
    ("list-current-files", &["ls"]),
    ("cleanup", &["cl"]),
    ("remove-older-than", &["ro"]),
    ("remove-all-but-n-full", &["ra"]),
    ("remove-all-inc-of-but-n-full", &["ri"]),
    ("replicate", &[]),
];

/// A call that can be done.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) action: Action,
    pub(crate) url: Url,
    /// The source of a backup, the destination of a restore, or what a backup is compared with.
    pub(crate) local: OsString,
    /// The store that `replicate` writes.
    pub(crate) target: Option<Url>,
    pub(crate) line: CommandLine,
}

impl Request {
    /// What the words of a call ask for.
    ///
    /// # Errors
    /// A wrong call, with duplicity's exit status.
    pub(crate) fn of(line: CommandLine) -> Result<Request, Refusal> {
        line.check()?;
        let named = line.words.first().and_then(|word| named(word));
        let (name, words) = match named {
            Some(name) => (name, &line.words[1..]),
            None => (implied(&line.words)?, &line.words[..]),
        };
        let (action, words) = chosen(name, words)?;
        let (local, url, target) = match (&action, words) {
            (Action::Backup | Action::Full | Action::Incremental, [source, url]) => {
                (source.clone(), url, None)
            }
            (Action::Restore | Action::Verify, [url, local]) => (local.clone(), url, None),
            (Action::Replicate, [url, target]) => (OsString::new(), url, Some(Url::read(target)?)),
            (Action::Backup | Action::Full | Action::Incremental, words)
            | (Action::Restore | Action::Verify | Action::Replicate, words) => {
                return Err(count(name, 2, words.len()));
            }
            (_, [url]) => (OsString::new(), url, None),
            (_, words) => return Err(count(name, 1, words.len())),
        };
        let url = Url::read(url)?;
        check_prefixes(&line)?;
        let request = Request { action, url, local, target, line };
        request.check_local()?;
        Ok(request)
    }

    /// Whether what is on this machine is as duplicity wants it.
    fn check_local(&self) -> Result<(), Refusal> {
        let (path, local) = (Path::new(&self.local), shown(&self.local));
        match self.action {
            Action::Backup | Action::Full | Action::Incremental
                if path.symlink_metadata().is_err() =>
            {
                let text = format!("Argument source_path '{local}' does not exist.");
                Err(Refusal::usage(text))
            }
            Action::Verify if self.line.has("compare-data") && path.symlink_metadata().is_err() => {
                Err(Refusal::new(12, "", format!("Verify directory {local} does not exist.")))
            }
            Action::Restore if !self.line.has("force") && is_taken(path) => {
                let text = format!("Restore destination directory {local} already exists.");
                Err(Refusal::new(11, "", format!("{text}\nWill not overwrite.")))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the prefixes of file names can be used.
fn check_prefixes(line: &CommandLine) -> Result<(), Refusal> {
    let text = |long: &str| {
        let wrong = || Refusal::usage(format!("--{long}: not UTF-8"));
        line.value(long).unwrap_or_default().to_str().ok_or_else(wrong)
    };
    let kinds = [
        text("file-prefix-manifest")?,
        text("file-prefix-archive")?,
        text("file-prefix-signature")?,
        text("file-prefix-jsonstat")?,
    ];
    let wrong = |WrongPrefix { option, why }| Refusal::usage(format!("--{option}: {why}"));
    Prefixes::new(text("file-prefix")?, kinds).map(drop).map_err(wrong)
}

/// Whether something is there that a restore would replace.
fn is_taken(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => {
            std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

/// The action that a word names. Up to version 1, the beginning of a name is enough that no other one has; but
/// a file is a file.
fn named(word: &OsStr) -> Option<&'static str> {
    let is_it =
        |(name, others): &&(&str, &[&str])| word == *name || others.iter().any(|o| word == *o);
    if let Some((name, _)) = NAMES.iter().find(is_it) {
        return Some(name);
    }
    let begun = |(name, _): &&(&str, &[&str])| name.as_bytes().starts_with(word.as_bytes());
    let mut begun = NAMES.iter().filter(begun);
    match (begun.next(), begun.next()) {
        (Some((name, _)), None) if Path::new(word).symlink_metadata().is_err() => Some(name),
        _ => None,
    }
}

/// The action that the order of the arguments implies.
fn implied(words: &[OsString]) -> Result<&'static str, Refusal> {
    match words {
        [first, second] if !is_url(first) && is_url(second) => Ok("backup"),
        [first, second] if is_url(first) && !is_url(second) => Ok("restore"),
        _ => Err(Refusal::usage("Missing or invalid explicit or implicit action.")),
    }
}

/// The action of that name, and its further arguments.
fn chosen<'a>(name: &str, words: &'a [OsString]) -> Result<(Action, &'a [OsString]), Refusal> {
    let action = match name {
        "backup" => Action::Backup,
        "full" => Action::Full,
        "incremental" => Action::Incremental,
        "restore" => Action::Restore,
        "verify" => Action::Verify,
        "collection-status" => Action::CollectionStatus,
        "list-current-files" => Action::ListCurrentFiles,
        "cleanup" => Action::Cleanup,
        "replicate" => Action::Replicate,
        _ => {
            let [which, rest @ ..] = words else { return Err(count(name, 2, 0)) };
            let which = which.clone();
            let action = match name {
                "remove-older-than" => Action::RemoveOlderThan(time(which)?),
                "remove-all-but-n-full" => Action::RemoveAllButNFull(number(which)?),
                _ => Action::RemoveAllIncOfButNFull(number(which)?),
            };
            return Ok((action, rest));
        }
    };
    Ok((action, words))
}

/// A time, or an age.
fn time(word: OsString) -> Result<OsString, Refusal> {
    match value::time(&word) {
        Ok(_) => Ok(word),
        Err(why) => Err(Refusal::usage(format!("remove-older-than: {}: {why}", shown(&word)))),
    }
}

/// A number of sets, at least 1.
fn number(word: OsString) -> Result<OsString, Refusal> {
    let is_number = !word.is_empty() && word.as_bytes().iter().all(u8::is_ascii_digit);
    if is_number && word.as_bytes().iter().any(|digit| *digit != b'0') {
        return Ok(word);
    }
    Err(Refusal::usage(format!("{}: not a number above 0", shown(&word))))
}

fn count(name: &str, expected: usize, found: usize) -> Refusal {
    Refusal::usage(format!("{name}: Expected {expected} args, got {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::Asked;

    fn request(words: &str) -> Result<Request, Refusal> {
        let words = words.split(' ').map(OsString::from);
        match CommandLine::read(words)? {
            Asked::Work(line) => Request::of(line),
            Asked::Text(text) => panic!("{text}"),
        }
    }

    #[test]
    fn the_order_of_the_arguments_implies_the_action() {
        assert_eq!(request("/ file:///s").unwrap().action, Action::Backup);
        assert_eq!(request("file:///s /not/there").unwrap().action, Action::Restore);
        assert_eq!(request("/ /").unwrap_err().code, 23);
        assert_eq!(request("file:///a file:///b").unwrap_err().code, 23);
    }

    #[test]
    fn actions_have_long_and_short_names_and_options_among_their_words() {
        for (words, action) in [
            ("incr / file:///s", Action::Incremental),
            ("inc --volsize 5 / file:///s", Action::Incremental),
            ("--name x fb / file:///s", Action::Full),
            ("vb file:///s /", Action::Verify),
            ("collection-status file:///s --log-fd 1", Action::CollectionStatus),
            ("remove-older-than 3D --force file:///s", Action::RemoveOlderThan("3D".into())),
            ("ra 2 file:///s", Action::RemoveAllButNFull("2".into())),
            ("remove-all-but-n 2 file:///s", Action::RemoveAllButNFull("2".into())),
            ("coll file:///s", Action::CollectionStatus),
            ("ri 2 file:///s", Action::RemoveAllIncOfButNFull("2".into())),
            ("replicate file:///s file:///t", Action::Replicate),
        ] {
            assert_eq!(request(words).unwrap().action, action, "{words}");
        }
    }

    #[test]
    fn wrong_calls_have_the_statuses_of_duplicity() {
        for (words, code) in [
            ("/", 23),
            ("full /", 23),
            ("re file:///s", 23),
            ("cleanup", 23),
            ("remove-all-but-n-full 0 file:///s", 23),
            ("/not/there file:///s", 23),
            ("/ foo://x/y", 23),
            ("restore file:///s /", 11),
            ("verify --compare-data file:///s /not/there", 12),
            ("--use-gpgsm / file:///s", 23),
            ("--file-prefix a/b / file:///s", 23),
        ] {
            assert_eq!(request(words).unwrap_err().code, code, "{words}");
        }
        assert!(request("restore --force file:///s /").is_ok());
    }
}
