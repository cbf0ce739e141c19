//! Damage that needs no reading: files of another size than their seals give, and seals that are none.

use std::collections::HashSet;

use archive::SetId;

use crate::Survey;

/// A file of a set with another size than its seal gives, or the seal with another one than its copy in the
/// archive directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The set.
    pub set: SetId,
    /// The name of the file.
    pub name: String,
    /// Its size in bytes in the store.
    pub size: u64,
    /// The size in bytes that it should have.
    pub expected: u64,
}

impl Survey {
    /// The files of sets that count whose size is wrong, by the seals that have been read; sorted by set and
    /// name.
    pub fn misfits(&self) -> Vec<Misfit> {
        let sets: HashSet<SetId> = self.collection.complete().map(|set| set.id).collect();
        let files = self.seals.files().filter(|file| sets.contains(&file.set));
        let mut found: Vec<_> = files
            .filter_map(|file| {
                let size = *self.sizes.get(self.stored_name(&file.name))?;
                let expected = file.size.filter(|expected| *expected != size)?;
                Some(Misfit { set: file.set, name: file.name, size, expected })
            })
            .collect();
        found.sort_by(|one, other| (one.set, &one.name).cmp(&(other.set, &other.name)));
        found
    }

    /// Sets whose seal in the archive directory is damaged.
    pub fn damaged_here(&self) -> impl Iterator<Item = SetId> {
        self.seals.damaged_here.iter().copied()
    }

    /// Sets that count whose seal in the store was read, and is damaged.
    pub fn damaged_there(&self) -> impl Iterator<Item = SetId> {
        let sets = self.collection.complete().filter(|set| set.seal.is_some());
        let damaged = &self.seals.damaged_there;
        sets.map(|set| set.id).filter(|id| damaged.contains(&id.time))
    }
}
