//! Chains, and what is left of those that are broken.

use std::collections::BTreeMap;

use archive::{Collection, SetId, SetTime, StoredSet};
use cli::shown;

/// Sets that build on each other, the oldest first, and always at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sets: Vec<StoredSet>,
    /// What is wrong with it; none for a chain whose states can all be restored, as far as can be
    /// known without a key.
    pub(crate) fault: Option<String>,
}

impl Line {
    /// The times of the first and of the last set.
    pub(crate) fn start(&self) -> Option<SetTime> {
        self.sets.iter().map(|set| set.id.time).min()
    }

    pub(crate) fn end(&self) -> Option<SetTime> {
        self.sets.iter().map(|set| set.id.time).max()
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.fault.is_none()
    }

    /// How many sets at its beginning stand on their own.
    pub(crate) fn fulls(&self) -> usize {
        usize::from(self.sets.first().is_some_and(|set| set.id.is_full()))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = SetId> {
        self.sets.iter().map(|set| set.id)
    }
}

/// All chains, and all other sets joined to what they were, by their ends.
pub(crate) fn lines(collection: &Collection) -> Vec<Line> {
    let chains = collection.chains.iter();
    let mut lines: Vec<_> =
        chains.map(|chain| Line { sets: chain.sets.clone(), fault: None }).collect();
    lines.extend(broken(collection));
    lines.sort_by_key(|line| (line.end(), line.start()));
    lines
}

/// Sets that no chain holds. Those that build on each other stay or go together: that one of them
/// has lost its manifest must not make the others look old.
fn broken(collection: &Collection) -> Vec<Line> {
    let mut sets: Vec<_> = collection.orphans.iter().chain(&collection.incomplete).collect();
    sets.sort_by_key(|set| set.id);
    let mut lines: Vec<Line> = Vec::new();
    let mut of_time = BTreeMap::new();
    for set in sets {
        let base = set.id.base.and_then(|base| of_time.get(&base).copied());
        let index = base.unwrap_or(lines.len());
        of_time.insert(set.id.time, index);
        match lines.get_mut(index) {
            Some(line) => line.sets.push(set.clone()),
            None => lines.push(Line { sets: vec![set.clone()], fault: Some(fault(set)) }),
        }
    }
    lines
}

fn fault(set: &StoredSet) -> String {
    let what = if set.manifest.is_none() { "has no manifest" } else { "belongs to no chain" };
    format!("the {} {what}", shown::set(set.id))
}
