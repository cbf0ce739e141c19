//! What is missing of the sets, for those who go on without it.

use std::collections::BTreeSet;

use archive::{FileKind, FileName, SetId, TreePath};
use stream::{Failure, Scope};

use crate::sets::{Contents, Set, Sets, broken};

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
        let wanted: Vec<SetId> =
            self.wanted.iter().flat_map(|wanted| &wanted.sets).map(stream::WantedSet::id).collect();
        let turn = match next {
            Some(next) => wanted.iter().position(|id| *id == next.set)?,
            None => wanted.len(),
        };
        let mut before = wanted.iter().take(turn);
        if let Some(gap) = before.find_map(|id| self.gap_in(*id, u64::MAX)) {
            return Some(gap);
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
        let set = self.sets.get(&id).filter(|_| below > 0)?;
        let Some(contents) = &set.contents else {
            return gap(Missing::Manifest, Some(broken(&which, "its manifest is missing")));
        };
        if set.is_lost() && set.volumes.is_empty() {
            return gap(Missing::Volume(1), None);
        }
        let missing = contents.due(&self.path, below).find(|n| !set.volumes.contains(n))?;
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
        set.contents = Some(Contents::Sealed(numbers.collect::<BTreeSet<_>>()));
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
    /// Whether nothing tells which volumes it has.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(&self.contents, Some(Contents::Sealed(numbers)) if numbers.is_empty())
    }
}

impl Contents {
    /// The volumes that hold the path and have a lower number.
    pub(crate) fn due(&self, path: &TreePath, below: u64) -> impl Iterator<Item = u64> {
        let numbers: Vec<u64> = match self {
            Contents::Manifest(manifest) => manifest.volumes_for(path).map(|v| v.number).collect(),
            Contents::Sealed(numbers) => numbers.iter().copied().collect(),
        };
        numbers.into_iter().filter(move |number| *number < below)
    }
}
