//! Hard links: which names are names of one file.

use std::collections::HashMap;

use archive::TreePath;
use rustix::fs::Stat;

/// Bytes that the names take which are remembered at most: some 400,000 files with other names
/// still to come.
const MOST: usize = 64 << 20;
/// What an entry takes besides the bytes of its name.
const ENTRY: usize = 100;

/// The first names of files that have more, until all have been seen.
pub(crate) struct Links {
    first: HashMap<(u64, u64), Group>,
    size: usize,
    most: usize,
    full: bool,
}

struct Group {
    path: TreePath,
    /// Names that have not been seen.
    left: u64,
}

impl Links {
    pub(crate) fn new() -> Links {
        Links { first: HashMap::new(), size: 0, most: MOST, full: false }
    }

    /// The first name of a file, where this is a further one.
    pub(crate) fn first(&mut self, path: &TreePath, stat: &Stat) -> Option<TreePath> {
        let links = stat.st_nlink;
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
