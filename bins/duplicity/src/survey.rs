//! The sets of a store, from `moo status --json`, and the text of collection-status.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use archive::SetTime;
use failure::shown;
use serde::Deserialize;

use crate::action::Action;
use crate::code::Refusal;
use crate::journal::{Journal, Level, code};
use crate::moo::{Moo, Sink};
use crate::request::Request;
use crate::settings;
use crate::url::Url;

/// The sets of a store.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Survey {
    #[serde(default)]
    pub(crate) chains: Vec<Chain>,
    #[serde(default)]
    orphaned: Vec<Set>,
    #[serde(default)]
    incomplete: Vec<Set>,
    #[serde(default)]
    findings: Vec<Finding>,
}

/// A full set and its increments.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Chain {
    #[serde(default)]
    pub(crate) sets: Vec<Set>,
}

/// A set.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Set {
    #[serde(rename = "type")]
    kind: String,
    pub(crate) time: String,
    #[serde(default)]
    volumes: u64,
    #[serde(default)]
    volumes_named: Option<u64>,
    #[serde(default)]
    wrapping: Vec<String>,
    #[serde(default)]
    signatures: bool,
    #[serde(default)]
    host: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    lost: bool,
    what: String,
}

impl Set {
    fn is_full(&self) -> bool {
        self.kind == "full"
    }

    fn is_encrypted(&self) -> bool {
        self.wrapping.iter().any(|kind| kind == "gpg")
    }

    fn local(&self) -> String {
        local(&self.time)
    }
}

/// A time of a set, as people read it.
pub(crate) fn local(time: &str) -> String {
    time.parse::<SetTime>().map_or_else(|_| time.to_owned(), SetTime::local)
}

impl Chain {
    /// The times of its first and its last set.
    pub(crate) fn times(&self) -> Option<(&str, &str)> {
        Some((&self.sets.first()?.time, &self.sets.last()?.time))
    }
}

impl Survey {
    /// What the store has. A store that is not there yet has nothing.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(crate) fn take(
        moo: &Moo<'_>,
        request: &Request,
        journal: &Journal,
    ) -> Result<Survey, Refusal> {
        let mut words = settings::words(request, "status", journal);
        words.extend(["--json".into(), "--".into(), request.url.ours.clone()]);
        Survey::read(moo, request, &words)
    }

    /// What another store has.
    ///
    /// # Errors
    /// The store can't be reached.
    pub(crate) fn of(
        moo: &Moo<'_>,
        request: &Request,
        url: &Url,
        journal: &Journal,
    ) -> Result<Survey, Refusal> {
        let mut words = settings::words(request, "status", journal);
        words.retain(|word| !word.as_bytes().starts_with(b"--name="));
        words.extend(["--json".into(), "--".into(), url.ours.clone()]);
        Survey::read(moo, request, &words)
    }

    /// The sets that `moo status` lists.
    fn read(moo: &Moo<'_>, request: &Request, words: &[OsString]) -> Result<Survey, Refusal> {
        let (ended, lines) = moo.output("status", words, false)?;
        let absent = ended.status == 10;
        // A set is missing: who needs it will say so.
        ended.unless(&request.action, &[0, 3, 5, 10])?;
        let text = lines.concat();
        match serde_json::from_slice(&text) {
            Ok(survey) => Ok(survey),
            Err(_) if absent && text.is_empty() => Ok(Survey::default()),
            Err(error) => Err(Refusal::own(format!("moo status: {error}"))),
        }
    }

    /// The sets that another store has not, as a person reads them.
    pub(crate) fn beyond(&self, other: &Survey) -> Vec<String> {
        let sets = |survey: &Survey| -> Vec<String> {
            let sets = survey.chains.iter().flat_map(|chain| &chain.sets);
            sets.map(|set| format!("{} {}", set.kind, set.local())).collect()
        };
        let there = sets(other);
        sets(self).into_iter().filter(|set| !there.contains(set)).collect()
    }

    /// The newest full set, as duplicity announces it.
    pub(crate) fn announce(&self, journal: &Journal) {
        let mut sets = self.chains.iter().flat_map(|chain| &chain.sets);
        let newest = sets.rfind(|set| set.is_full()).map(Set::local);
        let newest = newest.unwrap_or_else(|| "none".to_owned());
        journal.notice(&format!("Last full backup date: {newest}"));
    }

    /// The increments of the newest chain.
    pub(crate) fn increments(&self) -> usize {
        self.chains.last().map_or(0, |chain| chain.sets.len().saturating_sub(1))
    }

    /// Whether the archive directory lacks sets of the newest chain.
    pub(crate) fn is_ahead(&self) -> bool {
        let sets = self.chains.last().map_or(&[][..], |chain| &chain.sets);
        sets.iter().any(|set| set.volumes_named.is_none())
    }

    /// Whether a set of the newest chain is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        let sets = self.chains.last().map_or(&[][..], |chain| &chain.sets);
        sets.iter().any(Set::is_encrypted)
    }

    /// The host of the newest set, if the archive directory knows it.
    pub(crate) fn host(&self) -> Option<&str> {
        self.chains.last()?.sets.last()?.host.as_deref()
    }

    /// Warns of sets that belong to no chain.
    pub(crate) fn warn(&self, journal: &Journal) {
        if !self.incomplete.is_empty() {
            let text = "Warning, found incomplete backup sets, probably left from aborted session";
            journal.put(Level::Warning, code::INCOMPLETE_BACKUP, "", text);
        }
        if !self.orphaned.is_empty() {
            let names: Vec<_> = self.orphaned.iter().map(Set::local).collect();
            let text = format!("Warning, found orphaned backup sets: {}", names.join(", "));
            journal.put(Level::Warning, code::ORPHANED_BACKUP, "", &text);
        }
    }

    /// Prints collection-status.
    pub(crate) fn print(&self, archive: &Path, journal: &Journal) {
        for finding in self.findings.iter().filter(|finding| finding.lost) {
            journal.warning(&finding.what);
        }
        journal.force(code::COLLECTION_STATUS, &self.for_programs(), self.text(archive).as_bytes());
    }

    /// The primary chain, and those before it.
    fn parts(&self) -> (Option<&Chain>, &[Chain]) {
        match self.chains.split_last() {
            Some((last, before)) if last.sets.iter().all(|set| set.signatures) => {
                (Some(last), before)
            }
            _ => (None, &self.chains),
        }
    }

    fn text(&self, archive: &Path) -> String {
        let (primary, secondary) = self.parts();
        let mut text = "Collection Status\n-----------------\n".to_owned();
        text += "Connecting with backend: BackendWrapper\n";
        text += &format!("Archive dir: {}\n\n", shown(archive));
        let plural = if secondary.len() == 1 { "" } else { "s" };
        text += &format!("Found {} secondary backup chain{plural}.\n", secondary.len());
        for (number, chain) in (1..).zip(secondary) {
            text += &format!("Secondary chain {number} of {}:\n", secondary.len());
            text += &chain_text(chain);
            text += "\n";
        }
        match primary {
            Some(chain) => {
                text += "\nFound primary backup chain with matching signature chain:\n";
                text += &chain_text(chain);
            }
            None => text += "No backup chains with active signatures found\n",
        }
        text + &self.rest()
    }

    fn rest(&self) -> String {
        let (orphaned, incomplete) = (self.orphaned.len(), self.incomplete.len());
        if orphaned + incomplete == 0 {
            return "No orphaned or incomplete backup sets found.".to_owned();
        }
        let sets = |count: usize| if count == 1 { "set" } else { "sets" };
        format!(
            "Also found {orphaned} backup {} not part of any chain,\n\
             and {incomplete} incomplete backup {}.\n\
             These may be deleted by running duplicity with the \"cleanup\" command.",
            sets(orphaned),
            sets(incomplete)
        )
    }

    /// The same in the form that clients of duplicity read.
    fn for_programs(&self) -> String {
        let (primary, secondary) = self.parts();
        let mut text = "\nbackend BackendWrapper\narchive-dir (. dir)\n".to_owned();
        let sets = |chain: &Chain| chain.sets.iter().map(set_for_programs).collect::<String>();
        for (number, chain) in secondary.iter().enumerate() {
            text += &format!("chain-no-sig {number}\n{}", sets(chain));
        }
        if let Some(chain) = primary {
            text += &format!("chain-complete\n{}", sets(chain));
        }
        text += &format!("orphaned-sets-num {}\n", self.orphaned.len());
        text + &format!("incomplete-sets-num {}", self.incomplete.len())
    }
}

fn set_for_programs(set: &Set) -> String {
    let encrypted = if set.is_encrypted() { "enc" } else { "noenc" };
    format!(" {} {} {} {encrypted}\n", set.kind, set.time, set.volumes)
}

fn chain_text(chain: &Chain) -> String {
    let line = "-------------------------\n";
    let (start, end) = chain.times().unwrap_or_default();
    let volumes: u64 = chain.sets.iter().map(|set| set.volumes).sum();
    let mut text = line.to_owned();
    text += &format!("Chain start time: {}\nChain end time: {}\n", local(start), local(end));
    text += &format!("Number of contained backup sets: {}\n", chain.sets.len());
    text += &format!("Total number of contained volumes: {volumes}\n");
    text += &row("Type of backup set:", "Time:", "Num volumes:");
    for set in &chain.sets {
        let kind = if set.is_full() { "Full" } else { "Incremental" };
        text += &row(kind, &set.local(), &set.volumes.to_string());
    }
    text + line
}

fn row(kind: &str, time: &str, volumes: &str) -> String {
    format!("{kind:>20} {time:>32} {volumes:>17}\n")
}

/// Brings the archive directory up to date, if the key is at hand. Returns whether it is.
pub(crate) fn synchronize(
    moo: &Moo<'_>,
    request: &Request,
    survey: &Survey,
    journal: &Journal,
) -> Result<bool, Refusal> {
    if !survey.is_ahead() {
        journal.notice("Local and Remote metadata are synchronized, no sync needed.");
        return Ok(true);
    }
    journal.notice("Synchronizing remote metadata to local cache...");
    let mut words = settings::words(request, "sync", journal);
    words.extend(["--".into(), request.url.ours.clone()]);
    let sink = Sink { out: |_: &[u8]| (), progress: |_: &_| (), shown: false };
    let ended = moo.run("sync", &words, sink)?;
    match ended.status {
        0 | 3 => Ok(true),
        // Another key may be for what is made now.
        5 | 6 | 10 if request.action != Action::Incremental => {
            journal.info(&ended.said);
            Ok(false)
        }
        _ => ended.unless(&request.action, &[]).map(|_| false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(json: &str) -> Survey {
        serde_json::from_str(json).unwrap()
    }

    const ONE: &str = r#"{"chains":[{"sets":[
        {"type":"full","time":"20261129T213930Z","volumes":1,"wrapping":["gpg"],"signatures":true,
         "volumes_named":1},
        {"type":"inc","time":"20261129T213933Z","volumes":12,"wrapping":["gz"],"signatures":true,
         "volumes_named":null}]}],"orphaned":[],"incomplete":[]}"#;

    #[test]
    fn programs_read_a_line_for_each_set() {
        let expected = "\nbackend BackendWrapper\narchive-dir (. dir)\nchain-complete\n \
                        full 20261129T213930Z 1 enc\n inc 20261129T213933Z 12 noenc\n\
                        orphaned-sets-num 0\nincomplete-sets-num 0";
        assert_eq!(survey(ONE).for_programs(), expected);
        assert!(survey(ONE).is_ahead() && !Survey::default().is_ahead());
        assert_eq!(survey(ONE).increments(), 1);
    }

    #[test]
    fn rows_have_the_widths_of_duplicity() {
        assert_eq!(
            row("Type of backup set:", "Time:", "Num volumes:"),
            " Type of backup set:                            Time:      Num volumes:\n"
        );
        assert_eq!(
            row("Full", "Sun Nov 29 21:39:20 2026", "1"),
            "                Full         Sun Nov 29 21:39:20 2026                 1\n"
        );
    }
}
