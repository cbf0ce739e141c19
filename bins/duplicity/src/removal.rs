//! What is deleted: old sets, and leftovers.

use std::collections::BTreeSet;
use std::ffi::OsString;

use serde::Deserialize;

use crate::code::Refusal;
use crate::journal::Level;
use crate::journal::code::GENERIC;
use crate::survey::{Survey, local};
use crate::work::Work;

/// Deletes old sets, or lists their times.
///
/// # Errors
/// `moo prune` can't be run, or fails.
pub(crate) fn remove(work: &Work<'_>, survey: &Survey) -> Result<u8, Refusal> {
    let action = &work.request.action;
    if survey.chains.is_empty() {
        work.journal.notice("No old backup sets found, nothing deleted.");
        return Ok(0);
    }
    let goes = listed(work, "prune", vec![work.rule()])?;
    let goes: BTreeSet<_> = goes.into_iter().filter_map(|line| Some(line.set?.time)).collect();
    let mut times = Vec::new();
    for chain in &survey.chains {
        let Some((_, end)) = chain.times() else { continue };
        if chain.sets.iter().any(|set| goes.contains(&set.time)) {
            times.push(end);
        }
    }
    if times.is_empty() {
        work.journal.notice("No old backup sets found, nothing deleted.");
        return Ok(0);
    }
    let (chain, time) = if times.len() == 1 { ("chain", "time") } else { ("chains", "times") };
    let which: String = times.iter().map(|time| local(time) + "\n").collect();
    if !forced(work) {
        let the = if times.len() == 1 { "the following time" } else { "the following times" };
        work.journal.notice(&format!(
            "Found old backup {chain} at {the}:\n{which}Rerun command with --force option to actually delete."
        ));
        return Ok(0);
    }
    work.journal.notice(&format!("Deleting backup {chain} at {time}:\n{}", which.trim_end()));
    let words = work.words("prune", vec![work.rule(), "--force".into()], &[work.url()]);
    let (ended, _) = work.moo.output("prune", &words, true)?;
    ended.unless(action, &[0, 3]).map(|_| 0)
}

/// Deletes leftovers, or lists them.
///
/// # Errors
/// `moo cleanup` can't be run, or fails.
pub(crate) fn clean_up(work: &Work<'_>) -> Result<u8, Refusal> {
    let goes = listed(work, "cleanup", Vec::new())?;
    let goes: Vec<String> = goes.into_iter().flat_map(Removed::files).collect();
    if goes.is_empty() {
        let text = "No extraneous files found, nothing deleted in cleanup.";
        work.journal.put(Level::Warning, GENERIC, "", text);
        return Ok(0);
    }
    let files = if goes.len() == 1 { "file" } else { "files" };
    let which: String = goes.iter().map(|what| format!("{what}\n")).collect();
    if !forced(work) {
        work.journal.notice(&format!(
            "Found the following {files} to delete:\n{which}Run duplicity again with the --force option to \
             actually delete."
        ));
        return Ok(0);
    }
    let these = if goes.len() == 1 { "this" } else { "these" };
    work.journal.notice(&format!("Deleting {these} {files} from backend:\n{}", which.trim_end()));
    let words = work.words("cleanup", vec!["--force".into()], &[work.url()]);
    let (ended, _) = work.moo.output("cleanup", &words, true)?;
    ended.unless(&work.request.action, &[0, 3]).map(|_| 0)
}

fn forced(work: &Work<'_>) -> bool {
    work.has("force") && !work.has("dry-run")
}

/// What a command of `moo` would delete.
fn listed(work: &Work<'_>, command: &str, own: Vec<OsString>) -> Result<Vec<Removed>, Refusal> {
    let words = work.words(command, [own, vec!["--json".into()]].concat(), &[work.url()]);
    let (ended, lines) = work.moo.output(command, &words, false)?;
    ended.unless(&work.request.action, &[0, 3])?;
    let removed = |line: &Vec<u8>| {
        let line: Removed = serde_json::from_slice(line).ok()?;
        (line.action == "remove").then_some(line)
    };
    Ok(lines.iter().filter_map(removed).collect())
}

/// A line of `moo prune --json`.
#[derive(Debug, Deserialize)]
struct Removed {
    action: String,
    #[serde(default)]
    set: Option<Set>,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    files: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Set {
    time: String,
}

impl Removed {
    /// Its files, a line each. What only the archive directory has has none in the store.
    fn files(self) -> impl Iterator<Item = String> {
        let own = self.file.filter(|_| self.files.is_empty());
        self.files.into_iter().chain(own)
    }
}
