//! What all sets of an archive directory record of each path, one path after the other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use archive::{EntryName, Part, StoredSet, TreePath};
use failure::{Failure, Status};
use stream::Member;

use crate::signatures::Source;
use crate::{EntryRecord, Folder, can_read};

/// The signature files of many sets, read side by side in the order of paths.
pub struct History {
    sources: Vec<(Source, Option<(EntryName, Member)>)>,
    /// The next path of each source; the smallest path first, of equal ones the first source.
    next: BinaryHeap<Reverse<(TreePath, usize)>>,
}

/// What one set records of a path: its number among the sets, and the entry, or `None` if it is deleted.
pub type Recorded = (usize, Option<EntryRecord>);

impl Folder {
    /// The history that these sets record.
    ///
    /// # Errors
    /// The signatures of a set are not here, or are damaged at their start; or there are more sets than
    /// files may be open.
    pub fn history(&self, sets: &[&StoredSet]) -> Result<History, Failure> {
        if !can_read(sets.len()) {
            let why = format!("{} sets need more open files than allowed", sets.len());
            return Err(Failure::new(
                Status::Failed,
                format!("{why}; raise the limit (ulimit -n)"),
            ));
        }
        let mut history = History { sources: Vec::new(), next: BinaryHeap::new() };
        for (number, set) in sets.iter().enumerate() {
            let (which, tar) = self.signature_tar(set, sets.len())?;
            history.sources.push((Source::new(which, tar), None));
            history.pull(number)?;
        }
        Ok(history)
    }
}

impl History {
    /// The next path, and what the sets record of it, in the order of the sets; `None` at the end. A path
    /// that is not `wanted` comes with nothing.
    ///
    /// # Errors
    /// A signature file is damaged.
    pub fn advance(
        &mut self,
        wanted: impl Fn(&TreePath) -> bool,
    ) -> Result<Option<(TreePath, Vec<Recorded>)>, Failure> {
        let Some(Reverse((path, mut number))) = self.next.pop() else { return Ok(None) };
        let is_wanted = wanted(&path);
        let mut recorded = Vec::new();
        loop {
            let entry = self.sources[number].1.take().filter(|_| is_wanted);
            recorded.extend(entry.map(|(name, member)| {
                let is_there = name.part != Part::Deleted;
                (number, is_there.then(|| EntryRecord::new(name.path, name.part, member)))
            }));
            self.pull(number)?;
            match self.next.peek() {
                Some(Reverse((next, _))) if *next == path => {}
                _ => return Ok(Some((path, recorded))),
            }
            if let Some(Reverse((_, same))) = self.next.pop() {
                number = same;
            }
        }
    }

    /// Moves a source on to its next entry.
    fn pull(&mut self, number: usize) -> Result<(), Failure> {
        let (source, entry) = &mut self.sources[number];
        let Some((name, member)) = source.advance()? else { return Ok(()) };
        self.next.push(Reverse((name.path.clone(), number)));
        *entry = Some((name, member));
        Ok(())
    }
}
