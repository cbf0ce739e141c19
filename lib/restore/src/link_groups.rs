//! Files with several names. They are kept as a whole or not at all: if a name is missing at the
//! destination, or is a name of another file, all names come from volumes.

use std::collections::HashMap;

use archive::TreePath;
use local::EntryRecord;
use sha2::{Digest, Sha256};
use stream::member::{Kind, LINK, SHA256, XATTRS};

use crate::plan::{Inode, Place};

/// The most bytes of names that are remembered.
const MOST: usize = 40 << 20;
/// What a name takes beside its bytes.
const NAME: usize = 160;

/// The files of a state that have several names.
#[derive(Default)]
pub(crate) struct LinkGroups {
    groups: HashMap<TreePath, Vec<FurtherName>>,
    /// What has been decided about further names; none for one that has to come.
    decided: HashMap<TreePath, Option<(Place, Inode)>>,
    bytes: usize,
}

pub(crate) struct FurtherName {
    pub(crate) path: TreePath,
    looks: Looks,
}

/// What names of one file have in common, hashed.
type Looks = [u8; 32];

impl LinkGroups {
    /// Takes note of an entry. False if there are too many names to be remembered.
    pub(crate) fn add(&mut self, record: &EntryRecord) -> bool {
        let Some(first) = first_name(record) else { return true };
        let path = record.path.clone();
        self.bytes += 2 * path.as_bytes().len() + first.as_bytes().len() + NAME;
        self.groups.entry(first).or_default().push(FurtherName { path, looks: looks(record) });
        self.bytes <= MOST
    }

    /// The further names of the file of which an entry is the first name.
    pub(crate) fn further(&self, path: &TreePath) -> &[FurtherName] {
        self.groups.get(path).map_or(&[], Vec::as_slice)
    }

    /// Decides about the further names of a file.
    pub(crate) fn decide(&mut self, first: &TreePath, kept: Option<(Place, Inode)>) {
        for name in self.groups.remove(first).into_iter().flatten() {
            self.decided.insert(name.path, kept);
        }
    }

    /// What has been decided about an entry; none if it is no further name of a file that there is.
    pub(crate) fn decided(&mut self, path: &TreePath) -> Option<Option<(Place, Inode)>> {
        self.decided.remove(path)
    }
}

impl FurtherName {
    /// Whether a restore makes it a link to the file of that entry.
    pub(crate) fn is_link_to(&self, record: &EntryRecord) -> bool {
        self.looks == looks(record)
    }
}

/// The first name of the file, if the entry has a further one.
fn first_name(record: &EntryRecord) -> Option<TreePath> {
    let link =
        record.member.annotations.bytes(LINK).filter(|_| record.member.kind == Kind::File)?;
    let first = TreePath::parse(&link).ok()?;
    (first < record.path).then_some(first)
}

fn looks(record: &EntryRecord) -> Looks {
    let member = &record.member;
    let [sha256, xattrs] = member.annotations.pick([SHA256, XATTRS]);
    let all = (member.mode, member.uid, member.gid, &member.uname, &member.gname, member.mtime);
    Sha256::digest(format!("{all:?} {sha256:?} {xattrs:?} {:?}", record.size())).into()
}
