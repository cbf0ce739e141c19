//! Entries that are skipped, because the file system of the destination can't hold them: which ones
//! these are at the end, and why.

use std::collections::BTreeMap;

use archive::TreePath;

/// How many are named in warnings; the others are at `--verbosity info`.
const NAMED: usize = 100;
/// Bytes of paths that are remembered. More of them are only counted.
const MOST: usize = 16 << 20;

/// Why a delta is skipped.
pub(crate) const NO_BASIS: &str = "the file that its delta applies to is not restored";

/// The skipped entries, as far as later sets have not replaced or deleted them.
#[derive(Debug, Default)]
pub(crate) struct SkippedEntries {
    entries: BTreeMap<TreePath, SkippedEntry>,
    bytes: usize,
    /// How many are not among them.
    more: u64,
}

#[derive(Debug)]
struct SkippedEntry {
    why: String,
    /// How many entries below it are skipped with it.
    below: u64,
}

impl SkippedEntries {
    /// Adds an entry. What is below an entry that is skipped counts with it.
    pub(crate) fn add(&mut self, which: &TreePath, why: String) {
        log::info!("{}: not restored: {why}", which.shortened());
        // A delta of what was skipped has no reason of its own.
        let first = self.entries.get(which).filter(|_| why == NO_BASIS).map(|left| &left.why);
        let why = first.cloned().unwrap_or(why);
        self.restored(which, false);
        if let Some(above) = self.above(which)
            && let Some(left) = self.entries.get_mut(&above)
        {
            left.below += 1;
            return;
        }
        let bytes = which.as_bytes().len() + why.len();
        if self.bytes + bytes > MOST {
            self.more += 1;
            return;
        }
        self.bytes += bytes;
        self.entries.insert(which.clone(), SkippedEntry { why, below: 0 });
    }

    /// Adds a directory. What was skipped below it before counts with it: a plan has the directory last.
    pub(crate) fn add_directory(&mut self, which: &TreePath, why: String) {
        let after = self.entries.range(which.clone()..);
        let inside = after.take_while(|(path, _)| path.starts_with(which));
        let inside = inside.filter(|(path, _)| *path != which);
        let below: u64 = inside.map(|(_, left)| 1 + left.below).sum();
        self.add(which, why);
        if let Some(left) = self.entries.get_mut(which) {
            left.below += below;
        }
    }

    /// An entry is as its set has it, so it is skipped no more; a directory that `stays` one may still
    /// lack what was to be below it.
    pub(crate) fn restored(&mut self, which: &TreePath, stays: bool) {
        if self.entries.is_empty() {
            return;
        }
        if stays {
            if self.entries.get(which).is_some_and(|left| left.below == 0) {
                self.drop_entry(which);
            }
            return;
        }
        let below = self.entries.range(which.clone()..).map(|(path, _)| path);
        let gone: Vec<_> = below.take_while(|path| path.starts_with(which)).cloned().collect();
        gone.iter().for_each(|path| self.drop_entry(path));
    }

    fn drop_entry(&mut self, which: &TreePath) {
        if let Some(left) = self.entries.remove(which) {
            self.bytes -= which.as_bytes().len() + left.why.len();
        }
    }

    /// Whether an entry is skipped, or one above it.
    pub(crate) fn holds(&self, which: &TreePath) -> bool {
        !self.entries.is_empty()
            && (self.entries.contains_key(which) || self.above(which).is_some())
    }

    /// Whether an entry may be skipped, or one above it.
    pub(crate) fn may_hold(&self, which: &TreePath) -> bool {
        self.more > 0 || self.holds(which)
    }

    /// The uppermost skipped entry above a path.
    fn above(&self, which: &TreePath) -> Option<TreePath> {
        if self.entries.is_empty() {
            return None;
        }
        let mut path = TreePath::root();
        for name in which.components() {
            if self.entries.contains_key(&path) {
                return Some(path);
            }
            path = path.child(name);
        }
        None
    }

    /// Warns of each skipped entry. Returns how many there are.
    pub(crate) fn report(&self) -> u64 {
        for (path, SkippedEntry { why, below }) in self.entries.iter().take(NAMED) {
            let with = match below {
                0 => String::new(),
                1 => ", and 1 entry in it".to_owned(),
                count => format!(", and {count} entries in it"),
            };
            log::warn!("{}: not restored{with}: {why}", path.shortened());
        }
        let unnamed = self.entries.len().saturating_sub(NAMED) as u64 + self.more;
        if unnamed > 0 {
            log::warn!("{unnamed} more entries not restored (--verbosity info names them)");
        }
        let below: u64 = self.entries.values().map(|left| left.below).sum();
        self.entries.len() as u64 + self.more + below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_below_an_entry_that_is_left_out_counts_with_it_until_that_is_restored_or_deleted() {
        let mut skipped = SkippedEntries::default();
        for which in ["a", "a/b", "a/c", "d"] {
            skipped.add(&path(which), "no".to_owned());
        }
        assert_eq!(skipped.report(), 4);
        assert!(
            skipped.holds(&path("a/x"))
                && skipped.holds(&path("a"))
                && !skipped.holds(&path("a-b"))
        );
        skipped.restored(&path("a"), true);
        skipped.restored(&path("d"), true);
        assert!(skipped.holds(&path("a/b")) && !skipped.holds(&path("d")));
        skipped.restored(&path("a"), false);
        assert_eq!((skipped.report(), skipped.bytes), (0, 0));
    }

    #[test]
    fn an_entry_takes_the_place_of_what_was_below_it() {
        let mut skipped = SkippedEntries::default();
        skipped.add(&path("a/b"), "no".to_owned());
        skipped.add(&path("a"), "no".to_owned());
        assert_eq!((skipped.report(), skipped.entries.len()), (1, 1));
    }

    #[test]
    fn a_directory_that_comes_after_what_is_in_it_counts_that() {
        let mut skipped = SkippedEntries::default();
        for which in ["a-b", "a/b", "a/c/d"] {
            skipped.add(&path(which), "no".to_owned());
        }
        skipped.add_directory(&path("a/c"), "no".to_owned());
        skipped.add_directory(&path("a"), "no".to_owned());
        assert_eq!((skipped.report(), skipped.entries.len()), (5, 2));
    }

    #[test]
    fn memory_is_bounded() {
        let mut skipped = SkippedEntries::default();
        for number in 0..5000 {
            skipped.add(&path(&format!("{number}{}", "/x".repeat(3000))), String::new());
        }
        assert!(skipped.bytes <= MOST && skipped.more > 0 && skipped.may_hold(&path("z")));
        assert_eq!(skipped.report(), 5000);
    }
}
