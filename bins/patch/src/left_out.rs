//! Entries that are left out of the tree, because the file system of the destination can't hold
//! them: which ones these are at the end, and why.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;

use archive::TreePath;
use failure::{Failure, OrFail, Status};
use rustix::io::Errno;

/// How many are named in warnings; the others are at `--verbosity info`.
const NAMED: usize = 100;
/// Bytes of paths that are remembered. More of them are only counted.
const MOST: usize = 16 << 20;

/// Why a delta is left out.
pub(crate) const NO_BASIS: &str = "the file that its delta applies to is not restored";

/// Why an entry is not in the tree.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It is left out; the restore continues with the next one.
    LeftOut(String),
    /// The restore fails.
    Failed(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Failed(failure)
    }
}

/// Tells what a file system can't hold from what fails.
pub(crate) trait OrLeaveOut<T> {
    /// On error: the entry is left out if it is the file system that can't hold it.
    fn or_leave_out(self, which: impl Display) -> Result<T, Trouble>;
}

impl<T> OrLeaveOut<T> for io::Result<T> {
    fn or_leave_out(self, which: impl Display) -> Result<T, Trouble> {
        self.map_err(|error| match Errno::from_io_error(&error).and_then(limit) {
            Some(why) => Trouble::LeftOut(why.to_owned()),
            None => match Err::<(), _>(error).or_fail(Status::Failed, which) {
                Err(failure) => Trouble::Failed(failure),
                Ok(()) => Trouble::LeftOut(String::new()),
            },
        })
    }
}

impl<T> OrLeaveOut<T> for rustix::io::Result<T> {
    fn or_leave_out(self, which: impl Display) -> Result<T, Trouble> {
        self.map_err(io::Error::from).or_leave_out(which)
    }
}

/// What a file system says that can't hold an object, in the words of our messages.
fn limit(error: Errno) -> Option<&'static str> {
    match error {
        // exFAT by FUSE finds no entry of a name that it refuses to make.
        Errno::INVAL | Errno::ILSEQ | Errno::NOENT => {
            Some("the file system does not allow its name")
        }
        Errno::NAMETOOLONG => Some("its name is too long for the file system"),
        Errno::FBIG => Some("it is too large for the file system"),
        Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS => Some("the file system can't hold it"),
        _ => None,
    }
}

/// The entries that are left out, as far as later sets have not replaced or deleted them.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    entries: BTreeMap<TreePath, Left>,
    bytes: usize,
    /// How many are not among them.
    more: u64,
}

#[derive(Debug)]
struct Left {
    why: String,
    /// How many entries below it are left out with it.
    below: u64,
}

impl LeftOut {
    /// Adds an entry. What is below an entry that is left out counts with it.
    pub(crate) fn add(&mut self, which: &TreePath, why: String) {
        log::info!("{}: not restored: {why}", which.shortened());
        // A delta of what was left out has no reason of its own.
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
        self.entries.insert(which.clone(), Left { why, below: 0 });
    }

    /// An entry is as its set has it, so it is left out no more; a directory that `stays` one may
    /// still lack what was to be below it.
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

    /// Whether an entry is left out, or one above it.
    pub(crate) fn holds(&self, which: &TreePath) -> bool {
        !self.entries.is_empty()
            && (self.entries.contains_key(which) || self.above(which).is_some())
    }

    /// Whether an entry may be left out, or one above it.
    pub(crate) fn may_hold(&self, which: &TreePath) -> bool {
        self.more > 0 || self.holds(which)
    }

    /// The uppermost entry above a path that is left out.
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

    /// Names what is left out, and returns how much it is.
    pub(crate) fn tell(&self) -> u64 {
        for (path, Left { why, below }) in self.entries.iter().take(NAMED) {
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
        let mut left = LeftOut::default();
        for which in ["a", "a/b", "a/c", "d"] {
            left.add(&path(which), "no".to_owned());
        }
        assert_eq!(left.tell(), 4);
        assert!(left.holds(&path("a/x")) && left.holds(&path("a")) && !left.holds(&path("a-b")));
        left.restored(&path("a"), true);
        left.restored(&path("d"), true);
        assert!(left.holds(&path("a/b")) && !left.holds(&path("d")));
        left.restored(&path("a"), false);
        assert_eq!((left.tell(), left.bytes), (0, 0));
    }

    #[test]
    fn an_entry_takes_the_place_of_what_was_below_it() {
        let mut left = LeftOut::default();
        left.add(&path("a/b"), "no".to_owned());
        left.add(&path("a"), "no".to_owned());
        assert_eq!((left.tell(), left.entries.len()), (1, 1));
    }

    #[test]
    fn memory_is_bounded() {
        let mut left = LeftOut::default();
        for number in 0..5000 {
            left.add(&path(&format!("{number}{}", "/x".repeat(3000))), String::new());
        }
        assert!(left.bytes <= MOST && left.more > 0 && left.may_hold(&path("z")));
        assert_eq!(left.tell(), 5000);
    }

    #[test]
    fn a_full_disk_is_no_limit_of_the_file_system() {
        let error = Err::<(), _>(Errno::NOSPC).or_leave_out("x");
        assert!(matches!(error, Err(Trouble::Failed(_))));
        let error = Err::<(), _>(Errno::FBIG).or_leave_out("x");
        assert!(matches!(error, Err(Trouble::LeftOut(_))));
    }
}
