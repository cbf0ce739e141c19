//! What is missing of the sets, for those who go on without it.

use std::collections::BTreeSet;

use archive::{FileKind, FileName, SetId};
use failure::Failure;
use selection::Reach;
use stream::Scope;

use crate::broken;
use crate::sets::{Contents, Set, Sets};

/// Something that should have come.
pub(crate) struct Gap {
    pub(crate) set: SetId,
    pub(crate) what: Missing,
    /// What there is to say of it; none where it has been said.
    pub(crate) why: Option<Failure>,
}

/// What of a set is missing.
pub(crate) enum Missing {
    /// Nothing that is needed, but the seals do not agree.
    Link,
    /// What tells which volumes there are.
    Manifest,
    Volume(u64),
}

impl Sets {
    /// The first thing that should have come before a file, or before the end.
    pub(crate) fn gap(&mut self, next: Option<&FileName>) -> Option<Gap> {
        let turn = match next {
            Some(next) => self.turns.get(&next.set).copied()?,
            None => self.ids.len(),
        };
        while self.filled < turn {
            let before = self.ids.get(self.filled).copied()?;
            if let Some(gap) = self.gap_in(before, u64::MAX) {
                return Some(gap);
            }
            self.filled += 1;
        }
        match next? {
            FileName { set, kind: FileKind::Volume(number), .. } => self.gap_in(*set, *number),
            FileName { set, .. } => self.gap_in(*set, 0),
        }
    }

    /// What is missing of a set below that number of a volume.
    fn gap_in(&mut self, id: SetId, below: u64) -> Option<Gap> {
        let which = format!("the {id}");
        let gap = |what, why| Some(Gap { set: id, what, why });
        if !self.sets.contains_key(&id)
            && let Err(why) = self.begin(id, &which)
        {
            if self.may_doubt_seals() && self.sets.contains_key(&id) {
                // Seals that nobody signed: one is damaged, which says nothing of the set.
                return gap(Missing::Link, Some(why));
            }
            self.sets.insert(id, Set { distrusted: true, ..Set::default() });
            return gap(Missing::Manifest, Some(why));
        }
        let set = self.sets.get_mut(&id).filter(|_| below > 0)?;
        if set.contents.is_none() {
            return gap(Missing::Manifest, Some(broken(&which, "its manifest is missing")));
        }
        if set.is_lost() && set.volumes.is_empty() {
            return gap(Missing::Volume(1), None);
        }
        let missing = set.first_missing(below)?;
        let why = broken(&which, &format!("volume {missing} is missing"));
        gap(Missing::Volume(missing), Some(why))
    }

    /// Goes on without the manifest of a set: its seal tells of the volumes, too.
    pub(crate) fn lose_manifest(&mut self, id: SetId) {
        let set = self.sets.entry(id).or_default();
        let names = set.sealed.iter().flatten().filter_map(|(name, _)| FileName::parse(name));
        let numbers = names.filter(|name| name.set == id).filter_map(|name| match name.kind {
            FileKind::Volume(number) => Some(number),
            _ => None,
        });
        let contents = Contents::Sealed(numbers.collect::<BTreeSet<_>>());
        self.set_contents(id, contents);
    }

    /// Takes what tells which volumes a set has.
    pub(crate) fn set_contents(&mut self, id: SetId, contents: Contents) {
        let set = self.sets.entry(id).or_default();
        set.set_contents(contents, &self.reach);
        if let Some(chosen) = &self.chosen {
            set.due.retain(|number| chosen.contains(&(id.time, *number)));
        }
    }

    /// Goes on without a volume. Returns what goes with it; none where nobody waits for it.
    pub(crate) fn lose_volume(&mut self, id: SetId, number: u64) -> Option<Scope> {
        let set = self.sets.get_mut(&id)?;
        // A manifest is right where its seal says so, or a volume that is as it tells.
        let is_right = set.sealed.is_some() || set.matched;
        let scope = if is_right { Scope::File } else { Scope::Rest };
        set.volumes.insert(number).then_some(scope)
    }
}

impl Set {
    /// Takes what tells which volumes there are.
    pub(crate) fn set_contents(&mut self, contents: Contents, reach: &Reach) {
        self.due = contents.numbers(reach);
        self.checked = 0;
        if let Contents::Manifest(manifest) = &contents {
            let volumes = manifest.volumes.iter().enumerate();
            // Of several blocks for one volume the first counts.
            self.blocks = volumes.rev().map(|(at, volume)| (volume.number, at)).collect();
        }
        self.contents = Some(contents);
    }

    /// The first volume below that number that is due and has not come. What has come stays, so that
    /// no volume is looked at twice.
    pub(crate) fn first_missing(&mut self, below: u64) -> Option<u64> {
        while let Some(number) = self.due.get(self.checked).filter(|number| **number < below) {
            if !self.volumes.contains(number) {
                return Some(*number);
            }
            self.checked += 1;
        }
        None
    }

    /// Whether nothing tells which volumes it has.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(&self.contents, Some(Contents::Sealed(numbers)) if numbers.is_empty())
    }
}

impl Contents {
    /// The numbers of the volumes that may hold what is wanted, in their order.
    fn numbers(&self, reach: &Reach) -> Vec<u64> {
        let mut numbers: Vec<u64> = match self {
            Contents::Manifest(manifest) => {
                let held = manifest.volumes.iter().filter(|volume| reach.may_hold(volume));
                held.map(|volume| volume.number).collect()
            }
            Contents::Sealed(numbers) => numbers.iter().copied().collect(),
        };
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The volumes of a chain of some terabytes.
    const MANY: u64 = 100_000;

    #[test]
    fn each_of_a_hundred_thousand_volumes_is_looked_at_once() {
        let mut set = Set::default();
        let all = Contents::Sealed((1..=MANY).collect());
        set.set_contents(all, &Reach::default());
        for number in 1..=MANY {
            assert_eq!(set.first_missing(number), None);
            assert_eq!(set.checked as u64, number - 1);
            if number != MANY / 2 {
                set.volumes.insert(number);
            } else {
                assert_eq!(set.first_missing(number + 1), Some(number));
                set.volumes.insert(number);
            }
        }
        assert_eq!(set.first_missing(u64::MAX), None);
    }
}
