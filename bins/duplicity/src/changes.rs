//! The text of `collection-status --show-changes-in-set`, from `moo list`.

use failure::legible;
use serde::Deserialize;

use crate::code::Refusal;
use crate::journal::code::GENERIC;
use crate::moo::{Sink, word};
use crate::survey::{Survey, local};
use crate::value;
use crate::work::Work;

/// The columns of the type of a change.
const TYPE: usize = 20;
const RULE: &str = "-------------------------";

/// A line of `moo list --json`, with or without `--changes`.
#[derive(Debug, Deserialize)]
struct Line {
    change: Option<String>,
    old: Option<Entry>,
    new: Option<Entry>,
    #[serde(flatten)]
    entry: Option<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Lists the changes of a set. Only files count.
///
/// # Errors
/// There is no such set, or `moo list` fails.
pub(crate) fn list(work: &Work<'_>, survey: &Survey) -> Result<u8, Refusal> {
    let number = work.request.line.value("show-changes-in-set").unwrap_or_default();
    let number = value::index(number).map_err(Refusal::usage)?;
    let sets = survey.chains.iter().flat_map(|chain| {
        chain.sets.iter().enumerate().map(|(at, set)| {
            let before = at.checked_sub(1).map(|before| &*chain.sets[before].time);
            (before, &*set.time)
        })
    });
    let mut sets: Vec<_> = sets.collect();
    sets.reverse();
    let count = i64::try_from(sets.len()).unwrap_or(i64::MAX);
    let place = usize::try_from(if number < 0 { count.saturating_add(number) } else { number });
    let found = place.ok().and_then(|place| sets.get(place).copied());
    let Some((before, time)) = found else {
        let text = format!("--show-changes-in-set: {number}: there are {count} sets");
        return Err(Refusal::new(30, "IndexError", text));
    };
    let (mut count, mut width) = (0_u64, "File:".len());
    each(work, (before, time), |path, _| {
        count += 1;
        width = width.max(path.chars().count());
    })?;
    let print = |text: &str| work.journal.force(GENERIC, "", text.as_bytes());
    print(RULE);
    print(&format!(" Backup set time: {}", local(time)));
    print(&format!("Total number of changes: {count}"));
    print(&format!("{:<width$}  {:>TYPE$}", "File:", "Type of file change:"));
    each(work, (before, time), |path, change| {
        print(&format!("{path:<width$}  {change:>TYPE$}"));
    })?;
    print(RULE);
    Ok(0)
}

/// Hands each change to `tell`. All is new in a set that builds on none.
fn each(
    work: &Work<'_>,
    (before, time): (Option<&str>, &str),
    mut tell: impl FnMut(&str, &str) + Send,
) -> Result<(), Refusal> {
    let own = match before {
        Some(before) => vec!["--json".into(), "--changes".into(), before.into(), time.into()],
        None => vec!["--json".into(), word("time", time)],
    };
    let words = work.words("list", own, &[work.url()]);
    let out = |line: &[u8]| {
        if let Some((path, change)) = told(line) {
            tell(&path, change);
        }
    };
    let sink = Sink { out, progress: |_: &_| (), shown: true };
    let ended = work.moo.run("list", &words, sink)?;
    ended.unless(&work.request.action, &[0, 3]).map(|_| ())
}

/// The path and the type of a change; none of what is no file.
fn told(line: &[u8]) -> Option<(String, &'static str)> {
    let Line { change, old, new, entry } = serde_json::from_slice(line).ok()?;
    let entry = new.or(old).or(entry)?;
    let change = match change.as_deref() {
        None | Some("added") => "new",
        Some("deleted") => "deleted",
        _ => "changed",
    };
    let path = archive::unescape(&entry.path)?;
    matches!(&*entry.kind, "file" | "hard link").then(|| (legible::name(&path), change))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_the_words_of_duplicity() {
        let new = br#"{"path":"a b","type":"file","mtime":"x"}"#;
        assert_eq!(told(new), Some(("a b".to_owned(), "new")));
        let deleted = br#"{"change":"deleted","fields":[],"old":{"path":"x","type":"hard link"}}"#;
        assert_eq!(told(deleted), Some(("x".to_owned(), "deleted")));
        assert_eq!(told(br#"{"path":"d","type":"directory"}"#), None);
        assert_eq!(told(b"x"), None);
    }
}
