//! Which volumes hold something that has to come.

use archive::{Manifest, SetId, TreePath, VolumeRange};
use stream::VolumeRef;

/// The volumes of the sets of a state, the oldest set first.
pub(crate) struct NeededVolumes {
    sets: Vec<Volumes>,
}

/// The volumes of a set.
struct Volumes {
    set: SetId,
    /// By the first path that they may hold, the last one first.
    ahead: Vec<VolumeRange>,
    /// Those that may hold the path that was asked for last.
    here: Vec<VolumeRange>,
    needed: Vec<u64>,
}

impl NeededVolumes {
    pub(crate) fn new(manifests: impl IntoIterator<Item = (SetId, Manifest)>) -> NeededVolumes {
        let sets = manifests.into_iter().map(|(set, manifest)| {
            let mut ahead = manifest.volumes;
            ahead.sort_by(|one, other| other.start.path.cmp(&one.start.path));
            Volumes { set, ahead, here: Vec::new(), needed: Vec::new() }
        });
        NeededVolumes { sets: sets.collect() }
    }

    /// A path has to come, which these sets mention. Paths are asked for in index order.
    pub(crate) fn need(&mut self, path: &TreePath, mentions: &[usize]) {
        for set in mentions {
            if let Some(volumes) = self.sets.get_mut(*set) {
                volumes.need(path);
            }
        }
    }

    /// The volumes that are needed.
    pub(crate) fn list(self) -> Vec<VolumeRef> {
        let of_set = |volumes: Volumes| {
            let mut numbers = volumes.needed;
            numbers.sort_unstable();
            numbers.dedup();
            numbers.into_iter().map(move |number| VolumeRef { set: volumes.set.time, number })
        };
        self.sets.into_iter().flat_map(of_set).collect()
    }
}

impl Volumes {
    fn need(&mut self, path: &TreePath) {
        while let Some(next) = self.ahead.pop_if(|next| next.start.path <= *path) {
            self.here.push(next);
        }
        self.here.retain(|volume| *path <= volume.end.path);
        let numbers = self.here.iter().map(|volume| volume.number);
        let last = self.needed.last().copied();
        self.needed.extend(numbers.filter(|number| Some(*number) != last));
    }
}

#[cfg(test)]
mod tests {
    use archive::{EntryPosition, SetTime};

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_volume_is_needed_if_a_wanted_path_lies_in_it_and_a_large_file_needs_all_of_its_volumes() {
        let place = |text: &str| EntryPosition { path: path(text), piece: None };
        let ranges = [("", "b"), ("b", "b"), ("b", "d"), ("e", "g"), ("g/h", "z")];
        let volumes = (1..).zip(ranges).map(|(number, (start, end))| VolumeRange {
            number,
            start: place(start),
            end: place(end),
            hashes: Vec::new(),
        });
        let manifest = Manifest { volumes: volumes.collect(), ..Manifest::default() };
        let set = SetId::full(SetTime::from_seconds(1000).unwrap());
        for (wanted, expected) in [
            (&["a"][..], &[1][..]),
            (&["b"], &[1, 2, 3]),
            (&["c", "c/d", "f"], &[3, 4]),
            (&["d/x"], &[]),
            (&["b", "d", "g/i"], &[1, 2, 3, 5]),
        ] {
            let mut needed = NeededVolumes::new([(set, manifest.clone())]);
            wanted.iter().for_each(|wanted| needed.need(&path(wanted), &[0, 7]));
            let numbers: Vec<u64> = needed.list().iter().map(|volume| volume.number).collect();
            assert_eq!(numbers, expected, "{wanted:?}");
        }
    }
}
