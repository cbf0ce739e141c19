//! What is of no use to anybody: what interrupted runs have left, and sets that no state needs.

use std::collections::BTreeSet;

use archive::{SetId, SetTime, StoredSet, parse_parity, parse_repaired, parse_seal, set_time};
use failure::Failure;
use local::{Folder, Interrupted};
use store::final_name;

use crate::holdings::{Archive, Holdings};
use crate::line::lines;
use crate::plan::{Goner, Item, Plan, Stay, goner};

/// Why a set stays that an interrupted run could have left, but for its seal.
const LOST: &str =
    "the store has lost its manifest, or that of a set before it, which the seal lists";

/// Why files with the temporary names of an upload stay.
const UNDECIDED: &str = "its set is complete, but all its files have temporary names: the upload was \
                         interrupted at its end, or they were renamed; only the archive directory can tell";

/// All of it goes. What the archive knows to be part of a chain has been damaged at the store, and
/// is no leftover; and what is not ours is only named.
pub(crate) fn plan(holdings: &Holdings) -> Result<Plan, Failure> {
    let known = Known::of(holdings)?;
    let mut plan = Plan::default();
    for line in lines(&holdings.store).into_iter().filter(|line| !line.is_whole()) {
        for set in line.sets.iter().rev() {
            plan_set(set, &known, holdings, &mut plan);
        }
    }
    for name in holdings.survey.strangers() {
        plan_file(name, &known, &mut plan);
    }
    let partial = holdings.store.partial.iter();
    plan.stays.extend(partial.map(|name| stay(name, "not ours")));
    holdings.archive.iter().for_each(|archive| plan_parts(archive, &known, &mut plan));
    Ok(plan)
}

/// What the archive knows.
struct Known {
    /// The sets of its chains.
    chained: BTreeSet<SetId>,
    /// The set that the next backup can go on with.
    resumable: Option<SetTime>,
    /// The sets that the store has as a whole.
    stored: BTreeSet<SetId>,
    /// The sets whose manifest is lost, and those that build on them.
    lost: BTreeSet<SetTime>,
    /// The times of all sets that the store has a file of.
    begun: BTreeSet<SetTime>,
    /// The sets whose files may have been renamed, as far as the archive does not tell.
    undecided: BTreeSet<SetTime>,
}

impl Known {
    fn of(holdings: &Holdings) -> Result<Known, Failure> {
        let chained = |chains: &[archive::Chain]| {
            chains.iter().flat_map(|chain| &chain.sets).map(|set| set.id).collect()
        };
        let archive = holdings.archive.as_ref();
        let found = archive.map(|archive| Interrupted::find(&archive.folder)).transpose()?;
        let resumable = found.flatten().map(|found| found.head.time);
        let times = holdings.survey.undecided().map(|set| set.time);
        let tells = archive.is_some_and(|archive| !archive.is_empty());
        Ok(Known {
            undecided: times.filter(|time| !tells && resumable != Some(*time)).collect(),
            chained: archive.map(|archive| chained(&archive.collection.chains)).unwrap_or_default(),
            resumable,
            stored: chained(&holdings.store.chains),
            lost: lost(holdings),
            begun: holdings.store.sets().map(|set| set.id.time).collect(),
        })
    }

    /// Why something of an interrupted run goes.
    fn interrupted(&self, time: Option<SetTime>) -> String {
        let resumable = time.is_some() && time == self.resumable;
        let more = if resumable { ", which the next backup could resume" } else { "" };
        format!("left by an interrupted run{more}")
    }
}

/// The sets whose manifest is lost, though their seals show that it was there, and those that build on them.
fn lost(holdings: &Holdings) -> BTreeSet<SetTime> {
    let mut lost: BTreeSet<_> = holdings.survey.lost().keys().map(|set| set.time).collect();
    let mut others: Vec<_> = holdings.store.sets().map(|set| set.id).collect();
    others.sort_unstable_by_key(|set| set.time);
    for set in others {
        if set.base.is_some_and(|base| lost.contains(&base)) {
            lost.insert(set.time);
        }
    }
    lost
}

fn plan_set(set: &StoredSet, known: &Known, holdings: &Holdings, plan: &mut Plan) {
    if known.chained.contains(&set.id) {
        let why =
            "known to the archive directory: the store has lost files of its chain".to_owned();
        let stored = set.files().map(str::to_owned).collect();
        return plan.stays.push(Stay { what: Item::Set(set.id), why, stored });
    }
    if known.lost.contains(&set.id.time) {
        let stored = set.files().map(str::to_owned).collect();
        return plan.stays.push(Stay { what: Item::Set(set.id), why: LOST.to_owned(), stored });
    }
    let why = if set.manifest.is_none() { "has no manifest" } else { "belongs to no chain" };
    plan.goes.push(Goner { why: why.into(), ..goner(set, holdings) });
}

fn plan_file(name: &str, known: &Known, plan: &mut Plan) {
    let goes = |why: String| Goner {
        what: Item::File(name.into()),
        why,
        archived: Vec::new(),
        stored: vec![name.into()],
    };
    let seal = parse_seal(name).or_else(|| parse_parity(name).map(|(time, _)| time));
    // As long as there is its set, a seal may be lost that says what it is.
    let repaired = parse_repaired(name).and_then(set_time);
    let seal = seal.or(repaired.filter(|time| !known.begun.contains(time)));
    match final_name(name) {
        Some(final_name)
            if set_time(final_name).is_some_and(|time| known.undecided.contains(&time)) =>
        {
            plan.stays.push(stay(name, UNDECIDED));
        }
        Some(final_name) => plan.goes.push(goes(known.interrupted(set_time(final_name)))),
        None if seal.is_none() => plan.stays.push(stay(name, "not ours")),
        None if known.chained.iter().any(|set| Some(set.time) == seal) => {
            plan.stays
                .push(stay(name, "known to the archive directory: the store has lost its set"));
        }
        None if seal.is_some_and(|time| known.lost.contains(&time)) => {
            plan.stays.push(stay(name, LOST));
        }
        None if parse_seal(name).is_none() => plan.goes.push(goes("its set is gone".into())),
        None => plan.goes.push(goes("a seal without a set".into())),
    }
}

/// Unfinished files in the archive. Those of a set that the store has become a set of the archive
/// by the next backup.
fn plan_parts(archive: &Archive, known: &Known, plan: &mut Plan) {
    for name in &archive.names {
        let part = Folder::parse_part(name).map(|part| part.set.time);
        let time = part.or_else(|| Folder::parse_journal(name));
        if time.is_none() && !name.starts_with(Folder::TEMPORARY) {
            continue;
        }
        if time.is_some() && known.stored.iter().any(|set| Some(set.time) == time) {
            plan.stays
                .push(stay(name, "in the archive directory; the next backup finishes its set"));
            continue;
        }
        plan.goes.push(Goner {
            what: Item::File(name.clone()),
            why: format!("in the archive, {}", known.interrupted(time)),
            archived: vec![name.clone()],
            stored: Vec::new(),
        });
    }
}

fn stay(name: &str, why: &str) -> Stay {
    Stay { what: Item::File(name.into()), why: why.into(), stored: vec![name.into()] }
}
