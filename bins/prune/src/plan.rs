//! What goes and what stays, and why.

use std::collections::{BTreeMap, BTreeSet};

use archive::{SetId, SetTime, StoredSet};
use failure::Failure;
use jiff::tz::TimeZone;
use store::Store;

use crate::holdings::Holdings;
use crate::line::{Line, lines};
use crate::periods::newest_of_each;
use crate::rules::Wanted;
use crate::whole;

/// What is to be done, in this order, and what is left alone.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) goes: Vec<Goner>,
    pub(crate) stays: Vec<Stay>,
}

/// A set or a file that goes.
#[derive(Debug)]
pub(crate) struct Goner {
    pub(crate) what: String,
    pub(crate) why: String,
    /// Its files in the archive and in the store, in the order in which they go.
    pub(crate) archived: Vec<String>,
    pub(crate) stored: Vec<String>,
}

/// A chain or a file that stays.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) stored: Vec<String>,
}

impl Plan {
    /// Which sets go by those rules.
    pub(crate) fn of_sets(
        holdings: &Holdings,
        rules: &Wanted,
        store: &mut dyn Store,
    ) -> Result<Plan, Failure> {
        let mut all = lines(&holdings.store);
        whole::examine(&mut all, holdings, store)?;
        let judge = Judge::new(&all, rules, &TimeZone::system());
        let mut plan = Plan::default();
        for line in &all {
            let verdict = judge.verdict(line);
            let (kept, gone) = line.sets.split_at(verdict.kept);
            plan.goes.extend(gone.iter().rev().map(|set| goner(set, holdings)));
            plan.stays.extend(stay(kept, line, &verdict));
        }
        plan.goes.extend(forgotten(&judge, holdings));
        plan.spare_what_stays();
        Ok(plan)
    }

    /// A seal is known by its time alone, so two sets may share one.
    fn spare_what_stays(&mut self) {
        let kept: BTreeSet<_> = self.stays.iter().flat_map(|stay| &stay.stored).cloned().collect();
        for goner in &mut self.goes {
            goner.stored.retain(|name| !kept.contains(name));
        }
    }
}

/// A set, with what the archive has of it: the manifest first, since what has none does not exist.
pub(crate) fn goner(set: &StoredSet, holdings: &Holdings) -> Goner {
    let files = |set: &StoredSet| set.files().rev().map(str::to_owned).collect::<Vec<_>>();
    let archived = holdings.known(set.id).map(files).unwrap_or_default();
    let mut stored = files(set);
    // A seal without its manifest shows that the manifest is lost.
    stored.sort_by_key(|name| set.seal.as_ref() != Some(name));
    Goner { what: set.id.to_string(), why: String::new(), archived, stored }
}

fn stay(kept: &[StoredSet], line: &Line, verdict: &Verdict) -> Option<Stay> {
    let (first, last) = (kept.first()?, kept.last()?);
    let mut what = first.id.to_string();
    match kept.len() - 1 {
        0 => {}
        1 => what += &format!(" and the increment of {}", last.id.time),
        more => what += &format!(" and {more} increments up to {}", last.id.time),
    }
    let mut why = verdict.why.join(", ");
    if let Some(fault) = &line.fault {
        why += &format!("; does not count: {fault}");
    }
    let stored = kept.iter().flat_map(StoredSet::files).map(str::to_owned).collect();
    Some(Stay { what, why, stored })
}

/// What the archive knows of sets that go by the rules and have gone from the store already.
fn forgotten(judge: &Judge<'_>, holdings: &Holdings) -> Vec<Goner> {
    let Some(archive) = holdings.archive.as_ref().filter(|_| !judge.rules.by_calendar()) else {
        // Of which days there were states, the archive alone can't tell for sure.
        return Vec::new();
    };
    let stored = holdings.stored();
    let mut goners = Vec::new();
    for line in lines(&archive.collection) {
        let gone = &line.sets[judge.verdict(&line).kept..];
        let gone = gone.iter().rev().filter(|set| !stored.contains(&set.id));
        goners.extend(gone.map(|set| Goner {
            why: "in the archive only".into(),
            stored: Vec::new(),
            ..goner(set, holdings)
        }));
    }
    goners
}

/// The rules, with what they come to for the chains that there are.
struct Judge<'a> {
    rules: &'a Wanted,
    newest_whole: Option<SetTime>,
    since_full: Option<SetTime>,
    incs_since: Option<SetTime>,
    calendar: BTreeMap<SetId, String>,
}

struct Verdict {
    /// How many sets of the line stay.
    kept: usize,
    why: Vec<String>,
}

impl Judge<'_> {
    fn new<'a>(lines: &[Line], rules: &'a Wanted, zone: &TimeZone) -> Judge<'a> {
        let whole = || lines.iter().filter(|line| line.is_whole());
        let mut fulls: Vec<_> = whole().filter_map(Line::start).collect();
        fulls.sort();
        let cut = |count: Option<usize>| fulls.iter().rev().nth(count?.checked_sub(1)?).copied();
        // What does not count takes nobody's place; it has one of its own.
        let all: Vec<_> = lines.iter().flat_map(Line::ids).collect();
        let mut calendar = newest_of_each(&all, rules, zone);
        let counting: Vec<_> = whole().flat_map(Line::ids).collect();
        calendar.extend(newest_of_each(&counting, rules, zone));
        Judge {
            rules,
            newest_whole: whole().filter_map(Line::end).max(),
            since_full: cut(rules.full),
            incs_since: cut(rules.inc_of_full),
            calendar,
        }
    }

    fn verdict(&self, line: &Line) -> Verdict {
        let why = self.reasons(line);
        if why.is_empty() {
            return Verdict { kept: 0, why };
        }
        // Where there are not so many full sets, all increments are those of the newest.
        let loses = self.incs_since > line.end();
        let kept = if loses { self.wanted(line).max(line.fulls()) } else { line.sets.len() };
        Verdict { kept, why }
    }

    /// Why a line stays; nothing where it goes.
    fn reasons(&self, line: &Line) -> Vec<String> {
        let end = line.end();
        let mut why = Vec::new();
        match self.newest_whole {
            None => why.push("there is no whole chain".to_owned()),
            newest if end > newest => why.push("newer than the newest whole chain".to_owned()),
            newest if end == newest => why.push("the newest whole chain".to_owned()),
            _ => {}
        }
        if !self.rules.chains() {
            why.push("only increments go".to_owned());
        }
        if let Some(since) = self.rules.since.filter(|&since| end >= Some(since)) {
            why.push(format!("not older than {since}"));
        }
        if let Some(count) = self.rules.full.filter(|_| end >= self.since_full) {
            why.push(format!("not before the newest {count} full sets"));
        }
        let states = line.ids().filter_map(|id| self.calendar.get(&id));
        why.extend(states.map(|period| format!("the newest of {period}")));
        why
    }

    /// How many sets the calendar wants.
    fn wanted(&self, line: &Line) -> usize {
        let wanted = |set: &StoredSet| self.calendar.contains_key(&set.id);
        line.sets.iter().rposition(wanted).map_or(0, |last| last + 1)
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
