//! Hard links: which names are names of one file.

use std::collections::BTreeMap;

use archive::TreePath;
use rustix::fs::Stat;

/// Bytes that are remembered at most: some 250,000 files with other names still to come.
const MOST: usize = 40 << 20;
/// What an entry takes besides the bytes of its name: in nodes of the tree that may be half empty,
/// and around the name.
const ENTRY: usize = 128;

/// The first names of files that have more, until all have been seen. A tree, since a table would
/// take three times as much whenever it grows.
pub(crate) struct Links {
    first: BTreeMap<(u64, u64), Group>,
    size: usize,
    most: usize,
    full: bool,
}

struct Group {
    path: TreePath,
    /// Names that have not been seen.
    left: usize,
}

impl Links {
    pub(crate) fn new() -> Links {
        Links { first: BTreeMap::new(), size: 0, most: MOST, full: false }
    }

    /// The first name of a file, where this is a further one.
    pub(crate) fn first(&mut self, path: &TreePath, stat: &Stat) -> Option<TreePath> {
        let links = usize::try_from(stat.st_nlink).unwrap_or(usize::MAX);
        if links < 2 {
            return None;
        }
        let key = (stat.st_dev, stat.st_ino);
        let Some(group) = self.first.get_mut(&key) else {
            self.remember(key, Group { path: path.clone(), left: links - 1 });
            return None;
        };
        group.left = group.left.saturating_sub(1);
        if group.left > 0 {
            return Some(group.path.clone());
        }
        let group = self.first.remove(&key)?;
        self.size -= size(&group);
        Some(group.path)
    }

    fn remember(&mut self, key: (u64, u64), group: Group) {
        if self.size + size(&group) > self.most {
            self.full = true;
            return;
        }
        self.size += size(&group);
        self.first.insert(key, group);
    }

    /// Whether there were too many, so that some names count as files of their own.
    pub(crate) fn overflowed(&self) -> bool {
        self.full
    }
}

fn size(group: &Group) -> usize {
    group.path.as_bytes().len() + ENTRY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> TreePath {
        TreePath::parse(name.as_bytes()).unwrap()
    }

    /// What the system says of a file with that number of names.
    fn stat(inode: u64, names: u32) -> Stat {
        let mut stat = rustix::fs::stat("/").unwrap();
        (stat.st_ino, stat.st_nlink) = (inode, names.into());
        stat
    }

    #[test]
    fn a_group_is_known_by_its_first_name_until_all_have_come() {
        let mut links = Links::new();
        assert_eq!(links.first(&path("single"), &stat(1, 1)), None);
        assert_eq!(links.first(&path("a"), &stat(2, 3)), None);
        assert_eq!(links.first(&path("b"), &stat(2, 3)), Some(path("a")));
        assert_eq!(links.first(&path("c"), &stat(2, 3)), Some(path("a")));
        assert!(links.first.is_empty() && links.size == 0);
    }

    /// Bytes of memory that this process has.
    fn taken() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    #[test]
    fn what_is_remembered_takes_no_more_memory_than_is_counted() {
        for step in [1, 0x9e37_79b9_7f4a_7c15_u64] {
            let (before, mut links, mut stat) = (taken(), Links::new(), stat(0, 2));
            for number in 0..400_000_u64 {
                stat.st_ino = number.wrapping_mul(step);
                links.first(&path(&format!("a file with {number:08} names")), &stat);
            }
            assert!(links.overflowed() && links.first.len() > 200_000);
            let grown = taken().saturating_sub(before);
            // Other tests run beside this one.
            assert!(grown < MOST + (4 << 20), "{} files take {grown} bytes", links.first.len());
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut links = Links { most: 3 * ENTRY, ..Links::new() };
        let known = |links: &mut Links, inode| links.first(&path("x"), &stat(inode, 2)).is_some();
        for inode in 0..10 {
            assert!(!known(&mut links, inode));
        }
        assert!(links.overflowed() && links.size <= 3 * ENTRY);
        assert_eq!((0..10).filter(|inode| known(&mut links, *inode)).count(), 2);
    }
}
