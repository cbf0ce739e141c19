//! In which states of all sets there is something whose path matches a glob.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use archive::{Chain, SetTime, TreePath};
use cli::{Out, shown};
use failure::{Failure, Reason, Status};
use globs::{Glob, symbols};
use local::{EntryRecord, Folder, Recorded};
use serde::Serialize;
use stream::member::Kind;

use crate::Form;
use crate::line::Lines;
use crate::object::EntryObject;

/// A glob for names, or for whole paths if it has a slash.
struct Pattern {
    glob: Glob,
    is_of_path: bool,
}

/// A path that was found, as the newest state has it.
struct Found {
    newest: EntryRecord,
    /// The states that have it, in order: the first and the last of each row without a gap.
    rows: Vec<(SetTime, SetTime)>,
    /// How many states have it.
    states: usize,
}

#[derive(Serialize)]
struct FoundObject {
    first: String,
    last: String,
    states: usize,
    rows: Vec<[String; 2]>,
    entry: EntryObject,
}

/// Lists what matches one of the globs in any set.
pub(crate) fn list(
    folder: &Folder,
    words: &[OsString],
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let patterns = words.iter().map(Pattern::read).collect::<Result<Vec<_>, _>>()?;
    if patterns.is_empty() {
        return Err(Failure::new(
            Status::Usage,
            "a pattern is needed, such as '*.sql' (see --help)",
        ));
    }
    let chains = folder.collection()?.chains;
    let sets: Vec<_> = chains.iter().flat_map(|chain| &chain.sets).collect();
    let states = States::of(&chains);
    let mut history = folder.history(&sets)?;
    let (mut lines, mut found_any) = (Lines::default(), false);
    let wanted = |path: &TreePath| patterns.iter().any(|pattern| pattern.may_match(path));
    while let Some((path, recorded)) = history.advance(wanted)? {
        let Some(found) = states.found(recorded) else { continue };
        let is_directory = found.newest.member.kind == Kind::Directory;
        if patterns.iter().any(|pattern| pattern.matches(&path, is_directory)) {
            found_any = true;
            found.tell(states.times.len(), form, &mut lines, out)?;
        }
    }
    if found_any {
        return Ok(());
    }
    let words: Vec<_> = words.iter().map(|word| failure::shown(word).to_string()).collect();
    let why = "in no backup of the archive directory";
    let failure = Failure::of(Status::Absent, words.join(", "), why);
    Err(failure.because(Reason::NoSuchPath))
}

impl Pattern {
    fn read(word: &OsString) -> Result<Pattern, Failure> {
        let (text, ignore_case) = match word.as_bytes().strip_prefix(b"ignorecase:") {
            Some(rest) => (rest, true),
            None => (word.as_bytes(), false),
        };
        let text = text.strip_prefix(b"./").or(text.strip_prefix(b"/")).unwrap_or(text);
        let glob = Glob::new(text, ignore_case);
        let glob = glob.map_err(|why| Failure::of(Status::Usage, failure::shown(word), why))?;
        let is_of_path = text.strip_suffix(b"/").unwrap_or(text).contains(&b'/') || text == b"**";
        Ok(Pattern { glob, is_of_path })
    }

    /// Whether it matches a path, be that a directory or not.
    fn may_match(&self, path: &TreePath) -> bool {
        self.matches(path, true)
    }

    fn matches(&self, path: &TreePath, is_directory: bool) -> bool {
        let name = if self.is_of_path { Some(path.as_bytes()) } else { path.file_name() };
        name.is_some_and(|name| self.glob.matches_whole(&symbols(name), is_directory))
    }
}

/// All states: one for each set.
struct States {
    /// The number of each chain's first set, and how many it has.
    chains: Vec<(usize, usize)>,
    /// The times of the states in order, and the number of the set of each.
    times: Vec<(SetTime, usize)>,
}

impl States {
    fn of(chains: &[Chain]) -> States {
        let mut states = States { chains: Vec::new(), times: Vec::new() };
        for chain in chains {
            let first = states.times.len();
            states.chains.push((first, chain.sets.len()));
            let times = chain.sets.iter().map(|set| set.id.time);
            states.times.extend(times.zip(first..));
        }
        states.times.sort();
        states
    }

    /// In which states an entry is, of which the sets record that; none if it is in none.
    fn found(&self, recorded: Vec<Recorded>) -> Option<Found> {
        if recorded.is_empty() {
            return None;
        }
        let mut there: Vec<Option<usize>> = vec![None; self.times.len()];
        let mut next = 0;
        for (first, count) in &self.chains {
            let mut current = None;
            for (number, there) in there.iter_mut().enumerate().skip(*first).take(*count) {
                if recorded.get(next).is_some_and(|(of, _)| *of == number) {
                    current = recorded[next].1.is_some().then_some(next);
                    next += 1;
                }
                *there = current;
            }
        }
        let (mut rows, mut states, mut newest) = (Vec::<(SetTime, SetTime)>::new(), 0, None);
        let mut was_there = false;
        for (time, number) in &self.times {
            let is_there = there[*number].is_some();
            if is_there {
                newest = there[*number];
                states += 1;
                match rows.last_mut().filter(|_| was_there) {
                    Some(row) => row.1 = *time,
                    None => rows.push((*time, *time)),
                }
            }
            was_there = is_there;
        }
        let newest = recorded.into_iter().nth(newest?)?.1?;
        Some(Found { newest, rows, states })
    }
}

impl Found {
    fn tell(
        &self,
        all: usize,
        form: Form,
        lines: &mut Lines,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let Some((first, last)) = self.rows.first().zip(self.rows.last()) else { return Ok(()) };
        let (first, last) = (first.0, last.1);
        match form {
            Form::Null => out.path(&self.newest.path),
            Form::Json => out.json(&FoundObject {
                first: first.to_string(),
                last: last.to_string(),
                states: self.states,
                rows: self
                    .rows
                    .iter()
                    .map(|(from, to)| [from, to].map(SetTime::to_string))
                    .collect(),
                entry: EntryObject::new(&self.newest),
            }),
            Form::Lines => {
                let (first, last) = (shown::time(first), shown::time(last));
                let count = format!("{}/{all}", self.states);
                out.line(&format!("{first}  {last}  {count:>7}  {}", lines.entry(&self.newest)))
            }
        }
    }
}
