//! A few files, chosen at random.

use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};

use failure::Failure;
use local::{EntryRecord, Folder};
use stream::member::Kind;

use crate::Form;
use crate::line::Lines;
use crate::paths::Paths;
use crate::state::{self, tell};
use cli::Out;
use cli::shown;

/// Larger files are not chosen: who restores them to try it should be done soon.
const LARGEST: u64 = 64 << 20;

/// Lists so many regular files of a state, or as many as there are, in the order of their paths.
pub(crate) fn list(
    folder: &Folder,
    (time, count): (&str, usize),
    words: &[OsString],
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut paths = Paths::new(words)?;
    let state = state::at(folder, &folder.collection()?, "--time", time)?;
    let mut entries = state.entries;
    let mut chosen = Chosen { most: count, seen: 0, files: Vec::new() };
    while let Some(known) = entries.peek().filter(|known| !paths.are_before(&known.path)) {
        if paths.take(&known.path) && is_fit(known) {
            chosen.offer(known);
        }
        entries.advance()?;
    }
    paths.check(&format!("the backup of {}", shown::time(state.time)))?;
    chosen.files.sort_by(|one, two| one.path.cmp(&two.path));
    let mut lines = Lines::default();
    chosen.files.iter().try_for_each(|known| tell(known, form, &mut lines, out))
}

fn is_fit(known: &EntryRecord) -> bool {
    known.member.kind == Kind::File && known.size().is_none_or(|size| size <= LARGEST)
}

/// Each of those that were offered is in it with the same chance.
struct Chosen {
    most: usize,
    seen: usize,
    files: Vec<EntryRecord>,
}

impl Chosen {
    fn offer(&mut self, known: &EntryRecord) {
        self.seen += 1;
        if self.files.len() < self.most {
            self.files.push(known.clone());
        } else if let Some(place) = self.files.get_mut(random() % self.seen) {
            place.clone_from(known);
        }
    }
}

fn random() -> usize {
    RandomState::new().hash_one(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::{Part, TreePath};
    use stream::Member;

    #[test]
    fn each_file_has_its_chance_and_none_comes_twice() {
        let file = |name: usize| {
            let path = TreePath::parse(name.to_string().as_bytes()).unwrap();
            EntryRecord::new(path, Part::Signature, Member::default())
        };
        let mut counts = [0; 10];
        for _ in 0..1000 {
            let mut chosen = Chosen { most: 3, seen: 0, files: Vec::new() };
            (0..10).for_each(|name| chosen.offer(&file(name)));
            let names = chosen.files.iter().map(|known| known.path.to_string());
            let names: std::collections::BTreeSet<usize> =
                names.map(|name| name.parse().unwrap()).collect();
            assert_eq!(names.len(), 3);
            names.iter().for_each(|name| counts[*name] += 1);
        }
        assert!(counts.iter().all(|count| (200..400).contains(count)), "{counts:?}");
    }
}
