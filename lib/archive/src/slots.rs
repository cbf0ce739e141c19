//! Which file has which place in which set.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, FileKind, FileName, SetId, SetTime, StoredSet, parse_seal};

/// The names of a listing, sorted by what they are.
#[derive(Default)]
pub(crate) struct Slots {
    files: BTreeMap<(SetId, FileKind), BTreeSet<String>>,
    seals: BTreeMap<SetTime, String>,
    pub(crate) partial: BTreeSet<String>,
    pub(crate) strangers: BTreeSet<String>,
}

impl Slots {
    pub(crate) fn add(&mut self, raw: String) {
        if let Some(time) = parse_seal(&raw) {
            self.seals.insert(time, raw);
            return;
        }
        match FileName::parse(&raw).filter(|_| !FileName::is_stranger(&raw)) {
            None => self.strangers.insert(raw),
            Some(name) if name.partial => self.partial.insert(raw),
            Some(name) => self.files.entry((name.set, name.kind)).or_default().insert(raw),
        };
    }

    /// The sets by time, each with its files; what has no place among them becomes a stranger.
    pub(crate) fn take_sets(&mut self) -> Result<Vec<StoredSet>, Error> {
        let mut sets: Vec<StoredSet> = Vec::new();
        for ((id, kind), candidates) in std::mem::take(&mut self.files) {
            let raw = self.choose(candidates)?;
            if sets.last().is_none_or(|last| last.id != id) {
                sets.push(StoredSet::new(id));
            }
            if let Some(set) = sets.last_mut() {
                set.add(kind, raw);
            }
        }
        self.give_seals(&mut sets);
        Ok(sets)
    }

    /// The one name for a place: that in our own spelling, if there are several.
    fn choose(&mut self, candidates: BTreeSet<String>) -> Result<String, Error> {
        let canonical = |raw: &String| FileName::parse(raw).is_some_and(|n| n.is_canonical(raw));
        let (own, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(canonical);
        let (mut first, rest) = if own.is_empty() { (others, own) } else { (own, others) };
        let Some(chosen) = first.pop() else {
            return Err(Error::new("file", "without a name"));
        };
        if let Some(twin) = first.pop() {
            return Err(Error::new(chosen, format!("stored a second time as {twin}")));
        }
        self.strangers.extend(rest);
        Ok(chosen)
    }

    fn give_seals(&mut self, sets: &mut [StoredSet]) {
        for set in &mut *sets {
            set.seal = self.seals.get(&set.id.time).cloned();
        }
        let times: BTreeSet<SetTime> = sets.iter().map(|set| set.id.time).collect();
        let seals = std::mem::take(&mut self.seals);
        let lonely = seals.into_iter().filter(|(time, _)| !times.contains(time));
        self.strangers.extend(lonely.map(|(_, raw)| raw));
    }
}
