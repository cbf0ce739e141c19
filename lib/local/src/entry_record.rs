//! An entry as a signature file records it, and what one set records of one path.

use archive::{Part, SetTime, StoredSet, TreePath};
use failure::Failure;
use stream::member::{CTIME, DOUBT, INODE, Kind, LINK, RECENT, SHA256, SIZE, XATTRS};
use stream::{Member, Timestamp};

use crate::Folder;
use crate::signatures::Source;

/// What the newest set that has an entry records of it.
#[derive(Clone, Debug)]
pub struct EntryRecord {
    /// Where it is in the source.
    pub path: TreePath,
    /// The recorded member; its size is that of the signature.
    pub member: Member,
    /// Whether it has a signature, and thereby can have a delta.
    pub has_signature: bool,
    /// Whether the set has all that we record.
    is_exact: bool,
}

/// The result of comparing the inode of a file with the recorded one.
#[derive(Clone, Copy, Debug)]
pub struct InodeBeside {
    /// Whether the time of its last change is the recorded one.
    pub same_ctime: bool,
    /// Whether its number is the recorded one.
    pub same_number: bool,
    /// Whether the file was stored in the very tick of its last change, so that a further one could
    /// have left no trace.
    pub is_recent: bool,
}

/// The seconds that the clock of a file server may be behind ours.
const BEHIND: i64 = 60;

impl EntryRecord {
    /// What a signature tar has of an entry under this name and part.
    pub fn new(path: TreePath, part: Part, member: Member) -> EntryRecord {
        let is_exact = member.annotations.get(CTIME).is_some();
        EntryRecord { path, member, has_signature: part == Part::Signature, is_exact }
    }

    /// The file's size in bytes, if a set of moobacker has recorded it.
    pub fn size(&self) -> Option<u64> {
        self.member.annotations.parse(SIZE)
    }

    /// Whether the modification time is equal, as precisely as it was recorded.
    pub fn same_time(&self, mtime: Timestamp) -> bool {
        if self.is_exact {
            return self.member.mtime == mtime;
        }
        // duplicity records whole seconds, and 0 for times before 1970.
        self.member.mtime.secs.max(0) == mtime.secs.max(0)
    }

    /// Whether an entry of the source is unchanged, except for its size. A file that was changed
    /// while it was read counts as changed, even if its time was put back.
    pub fn is_same(&self, now: &Member) -> bool {
        let was = &self.member;
        let kind = was.kind == now.kind && (was.kind != Kind::File || self.has_signature);
        kind && (was.mode, was.uid, was.gid) == (now.mode, now.uid, now.gid)
            && was.link == now.link
            && was.device == now.device
            && (self.same_time(now.mtime) || now.kind.is_device())
            && self.same_annotations(now)
    }

    /// Whether the annotations are equal, and the content was recorded without doubt. An unknown
    /// annotation is no change. Entries with known attributes also have known links.
    fn same_annotations(&self, now: &Member) -> bool {
        let [doubt, xattrs, link] = self.member.annotations.pick([DOUBT, XATTRS, LINK]);
        let [xattrs_now, link_now] = now.annotations.pick([XATTRS, LINK]);
        let same_link = xattrs.is_none() || link == link_now;
        let same_attributes = xattrs == xattrs_now || self.same_attributes(now);
        doubt.is_none() && same_link && same_attributes
    }

    /// Compares its inode with that of an entry of the source; the last backup began at `last`.
    ///
    /// An unrecorded inode counts as another one. Sets of duplicity record no inodes, and no hash
    /// to compare the content with. For these, an inode counts as equal if it has not changed since
    /// the last backup began.
    pub fn inode_beside(&self, now: &Member, last: SetTime) -> InodeBeside {
        let [ctime, inode, recent] = self.member.annotations.pick([CTIME, INODE, RECENT]);
        if ctime.is_none() && self.sha256().is_none() {
            let rested = |changed: Timestamp| changed.secs.saturating_add(BEHIND) < last.seconds();
            let same_ctime = now.annotations.parse(CTIME).is_some_and(rested);
            return InodeBeside { same_ctime, same_number: true, is_recent: false };
        }
        let [ctime_now, inode_now] = now.annotations.pick([CTIME, INODE]);
        InodeBeside {
            same_ctime: ctime == ctime_now,
            same_number: inode == inode_now,
            is_recent: recent.is_some(),
        }
    }

    /// The SHA-256 of the content in hex, if a set of moobacker has recorded it.
    pub fn sha256(&self) -> Option<&str> {
        self.member.annotations.get(SHA256)
    }

    /// Whether extended attributes are equal; unknown attributes are no change.
    pub fn same_attributes(&self, now: &Member) -> bool {
        let known = self.member.knows_attributes() && now.knows_attributes();
        !known || self.member.annotations.get(XATTRS) == now.annotations.get(XATTRS)
    }
}

/// What one set records of one path.
#[derive(Clone, Debug)]
pub enum EntryInSet {
    /// It is not mentioned: in an increment it is unchanged, in a full set it does not exist.
    Unmentioned,
    /// It is deleted.
    Deleted,
    /// It is new or changed, to this.
    Present(Box<EntryRecord>),
}

impl Folder {
    /// What the signature file of a set records of a path.
    ///
    /// # Errors
    /// The set's signatures are not here, or damaged before that path.
    pub fn entry_in_set(&self, set: &StoredSet, path: &TreePath) -> Result<EntryInSet, Failure> {
        let (which, tar) = self.signature_tar(set, 1)?;
        let mut source = Source::new(which, tar);
        while let Some((name, member)) = source.advance()? {
            if name.path < *path {
                continue;
            }
            return Ok(match name.part {
                _ if name.path != *path => EntryInSet::Unmentioned,
                Part::Deleted => EntryInSet::Deleted,
                part => EntryInSet::Present(Box::new(EntryRecord::new(name.path, part, member))),
            });
        }
        Ok(EntryInSet::Unmentioned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(facts: &[(&'static str, &str)]) -> Member {
        let mut member = Member { kind: Kind::File, ..Member::default() };
        facts.iter().for_each(|(key, value)| member.annotations.set(key, value));
        member
    }

    fn doubted(recorded: &[(&'static str, &str)], now: &[(&'static str, &str)]) -> (bool, bool) {
        let known = EntryRecord::new(TreePath::root(), Part::Signature, file(recorded));
        let last = SetTime::from_seconds(10_000).unwrap();
        let beside = known.inode_beside(&file(now), last);
        (!beside.same_ctime, !beside.same_number)
    }

    #[test]
    fn an_inode_of_which_nothing_is_recorded_is_another_one_where_the_content_can_tell() {
        let now = [(CTIME, "9000.5"), (INODE, "7")];
        assert_eq!(doubted(&now, &now), (false, false));
        assert_eq!(doubted(&[(CTIME, "9000"), (INODE, "7")], &now), (true, false));
        assert_eq!(doubted(&[(CTIME, "9000.5"), (INODE, "8")], &now), (false, true));
        assert_eq!(doubted(&[(SHA256, "aa")], &now), (true, true));
    }

    #[test]
    fn without_a_hash_an_inode_is_the_same_that_has_rested_since_before_the_last_backup() {
        for (ctime, doubt) in [("9000.5", false), ("9939", false), ("9941", true), ("12000", true)]
        {
            assert_eq!(doubted(&[], &[(CTIME, ctime), (INODE, "7")]), (doubt, false), "{ctime}");
        }
    }
}
