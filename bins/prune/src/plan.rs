//! What goes and what stays, and why.

use std::collections::BTreeSet;
use std::fmt;

use archive::{SetId, SetTime, StoredSet};
use cli::{legible, shown};
use failure::Failure;
use jiff::tz::TimeZone;
use store::Store;

use crate::holdings::Holdings;
use crate::line::{Line, lines};
use crate::periods::{Reasons, named};
use crate::rules::Wanted;
use crate::whole;

/// What is to be done, in this order, and what is left alone.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) goes: Vec<Goner>,
    pub(crate) stays: Vec<Stay>,
}

/// A set, or a file that belongs to none that counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Set(SetId),
    File(String),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Set(id) => f.write_str(&shown::set(*id)),
            Item::File(name) => f.write_str(&legible::name(name.as_bytes())),
        }
    }
}

/// A set or a file that goes.
#[derive(Debug)]
pub(crate) struct Goner {
    pub(crate) what: Item,
    pub(crate) why: String,
    /// Its files in the archive and in the store, in the order in which they go.
    pub(crate) archived: Vec<String>,
    pub(crate) stored: Vec<String>,
}

/// A set or a file that stays.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) what: Item,
    pub(crate) why: String,
    pub(crate) stored: Vec<String>,
}

impl Plan {
    /// Which sets go by those rules.
    pub(crate) fn of_sets(
        holdings: &Holdings,
        rules: &Wanted,
        tagged: Reasons,
        store: &mut dyn Store,
    ) -> Result<Plan, Failure> {
        let mut all = lines(&holdings.store);
        whole::examine(&mut all, holdings, store)?;
        let mut judge = Judge::new(&all, rules, &TimeZone::system());
        for (set, why) in tagged {
            judge.states.entry(set).or_default().extend(why);
        }
        let mut plan = Plan::default();
        for line in &all {
            let why = judge.reasons(line);
            let (kept, gone) = line.sets.split_at(why.len());
            plan.goes.extend(gone.iter().rev().map(|set| goner(set, holdings)));
            plan.stays.extend(kept.iter().zip(&why).map(|(set, why)| stay(set, line, why)));
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
    Goner { what: Item::Set(set.id), why: String::new(), archived, stored }
}

fn stay(set: &StoredSet, line: &Line, why: &str) -> Stay {
    let mut why = why.to_owned();
    if let Some(fault) = &line.fault {
        why += &format!("; does not count: {fault}");
    }
    Stay { what: Item::Set(set.id), why, stored: set.files().map(str::to_owned).collect() }
}

/// What the archive knows of sets that go by the rules and have gone from the store already.
fn forgotten(judge: &Judge<'_>, holdings: &Holdings) -> Vec<Goner> {
    let Some(archive) = holdings.archive.as_ref().filter(|_| !judge.rules.states.are_any()) else {
        // The archive alone can't tell for sure which states there were.
        return Vec::new();
    };
    let stored = holdings.stored();
    let mut goners = Vec::new();
    for line in lines(&archive.collection) {
        let gone = &line.sets[judge.reasons(&line).len()..];
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
    states: Reasons,
}

impl Judge<'_> {
    fn new<'a>(lines: &[Line], rules: &'a Wanted, zone: &TimeZone) -> Judge<'a> {
        let whole = || lines.iter().filter(|line| line.is_whole());
        let mut fulls: Vec<_> = whole().filter_map(Line::start).collect();
        fulls.sort();
        let cut = |count: Option<usize>| fulls.iter().rev().nth(count?.checked_sub(1)?).copied();
        // What does not count takes nobody's place; it has one of its own.
        let all: Vec<_> = lines.iter().flat_map(Line::ids).collect();
        let mut states = named(&all, &rules.states, zone);
        let counting: Vec<_> = whole().flat_map(Line::ids).collect();
        states.extend(named(&counting, &rules.states, zone));
        Judge {
            rules,
            newest_whole: whole().filter_map(Line::end).max(),
            since_full: cut(rules.full),
            incs_since: cut(rules.inc_of_full),
            states,
        }
    }

    /// Why each set of a line stays, up to the first that goes: what a set builds on stays with it.
    fn reasons(&self, line: &Line) -> Vec<String> {
        let chain = self.chain_reasons(line);
        // Where there are not so many full sets, all increments are those of the newest.
        let whole = if self.incs_since > line.end() { line.fulls() } else { line.sets.len() };
        let mut builds = None;
        let mut reasons = Vec::new();
        for (index, set) in line.sets.iter().enumerate().rev() {
            let of_chain = chain.iter().filter(|_| index < whole);
            let own = self.states.get(&set.id).into_iter().flatten();
            let why: Vec<_> = of_chain.chain(own).map(String::as_str).collect();
            match (why.is_empty(), builds) {
                (true, None) => continue,
                (true, Some(other)) => {
                    reasons.push(format!("only because the {} builds on it", shown::set(other)));
                }
                (false, _) => {
                    builds = Some(set.id);
                    reasons.push(why.join(", "));
                }
            }
        }
        reasons.reverse();
        reasons
    }

    /// Why a line stays as a whole; nothing where no rule for chains keeps it.
    fn chain_reasons(&self, line: &Line) -> Vec<String> {
        let end = line.end();
        let mut why = Vec::new();
        match self.newest_whole {
            None => why.push("there is no complete chain".to_owned()),
            newest if end > newest => why.push("newer than the newest complete chain".to_owned()),
            newest if end == newest => why.push("in the newest complete chain".to_owned()),
            _ => {}
        }
        if !self.rules.chains() {
            why.push("only increments go".to_owned());
        }
        if let Some(since) = self.rules.since.filter(|&since| end >= Some(since)) {
            let since = shown::time(since);
            why.push(format!("in a chain that is not older than {since} (--older-than)"));
        }
        if let Some(count) = self.rules.full.filter(|_| end >= self.since_full) {
            why.push(format!("not before the newest {count} full sets (--keep-full)"));
        }
        why
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
