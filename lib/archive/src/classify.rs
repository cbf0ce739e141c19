//! Classifies the names of a listing: files of sets, seals, partial files and unknown files.

use std::collections::{BTreeMap, BTreeSet};

use crate::{FileKind, FileName, SetId, SetTime, StoredSet, parse_parity, parse_seal};

/// The names of a listing by what they are.
#[derive(Default)]
pub(crate) struct Classifier {
    files: BTreeMap<(SetId, FileKind), BTreeSet<String>>,
    seals: BTreeMap<SetTime, String>,
    parity: BTreeMap<SetTime, BTreeMap<u64, String>>,
    pub(crate) partial: BTreeSet<String>,
    pub(crate) strangers: BTreeSet<String>,
}

impl Classifier {
    pub(crate) fn add(&mut self, raw: String) {
        if let Some(time) = parse_seal(&raw) {
            self.seals.insert(time, raw);
            return;
        }
        if let Some((time, number)) = parse_parity(&raw) {
            self.parity.entry(time).or_default().insert(number, raw);
            return;
        }
        match FileName::parse(&raw).filter(|_| !FileName::is_stranger(&raw)) {
            None => self.strangers.insert(raw),
            Some(name) if name.partial => self.partial.insert(raw),
            Some(name) => self.files.entry((name.set, name.kind)).or_default().insert(raw),
        };
    }

    /// The sets by time, each with its files. A file without a place in a set becomes a stranger.
    /// `is_named` says whether a seal lists a file.
    pub(crate) fn take_sets(&mut self, is_named: &dyn Fn(&str) -> bool) -> Vec<StoredSet> {
        let mut sets: Vec<StoredSet> = Vec::new();
        for ((id, kind), candidates) in std::mem::take(&mut self.files) {
            let Some(raw) = self.choose(candidates, is_named) else { continue };
            if sets.last().is_none_or(|last| last.id != id) {
                sets.push(StoredSet::new(id));
            }
            if let Some(set) = sets.last_mut() {
                set.add(kind, raw);
            }
        }
        self.give_further(&mut sets);
        sets
    }

    /// The one name for a place: the one that a seal names, else one in our own spelling, else one
    /// that is encrypted. The others are strangers.
    fn choose(
        &mut self,
        candidates: BTreeSet<String>,
        is_named: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        let rank = |raw: &String| {
            let name = FileName::parse(raw)?;
            Some((is_named(raw), name.is_canonical(raw), name.wrapping))
        };
        // Of equal candidates the first by name, so that every run makes the same choice.
        let chosen = candidates.iter().rev().max_by_key(|raw| rank(raw))?.clone();
        self.strangers.extend(candidates.into_iter().filter(|raw| *raw != chosen));
        Some(chosen)
    }

    /// Gives the sets their seals and parity files, by their times.
    fn give_further(&mut self, sets: &mut [StoredSet]) {
        for set in &mut *sets {
            set.seal = self.seals.get(&set.id.time).cloned();
            set.parity = self.parity.get(&set.id.time).cloned().unwrap_or_default();
        }
        let times: BTreeSet<SetTime> = sets.iter().map(|set| set.id.time).collect();
        let lonely = |time: &SetTime| !times.contains(time);
        let seals = std::mem::take(&mut self.seals).into_iter().filter(|(time, _)| lonely(time));
        self.strangers.extend(seals.map(|(_, raw)| raw));
        let parity = std::mem::take(&mut self.parity).into_iter().filter(|(time, _)| lonely(time));
        self.strangers.extend(parity.flat_map(|(_, files)| files.into_values()));
    }
}
