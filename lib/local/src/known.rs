//! An entry as the newest set that has it knows it.

use archive::{Part, SetTime, TreePath};
use stream::member::{CTIME, DOUBT, INODE, Kind, LINK, RECENT, SHA256, SIZE, XATTRS};
use stream::{Member, Stamp};

/// What the archive knows of an entry of the source.
#[derive(Clone, Debug)]
pub struct Known {
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

impl Known {
    /// What a signature tar has of an entry under this name and part.
    pub fn new(path: TreePath, part: Part, member: Member) -> Known {
        let is_exact = member.facts.get(CTIME).is_some();
        Known { path, member, has_signature: part == Part::Signature, is_exact }
    }

    /// The file's size in bytes, if a set of moobacker has recorded it.
    pub fn size(&self) -> Option<u64> {
        self.member.facts.parse(SIZE)
    }

    /// Whether the modification time is equal, as precisely as it was recorded.
    pub fn same_time(&self, mtime: Stamp) -> bool {
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
            && self.same_facts(now)
    }

    /// Whether the facts are equal, and the content was recorded without doubt. An unknown fact is
    /// no change. Entries with known attributes also have known links.
    fn same_facts(&self, now: &Member) -> bool {
        let [doubt, xattrs, link] = self.member.facts.pick([DOUBT, XATTRS, LINK]);
        let [xattrs_now, link_now] = now.facts.pick([XATTRS, LINK]);
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
        let [ctime, inode, recent] = self.member.facts.pick([CTIME, INODE, RECENT]);
        if ctime.is_none() && self.sha256().is_none() {
            let rested = |changed: Stamp| changed.secs.saturating_add(BEHIND) < last.seconds();
            let same_ctime = now.facts.parse(CTIME).is_some_and(rested);
            return InodeBeside { same_ctime, same_number: true, is_recent: false };
        }
        let [ctime_now, inode_now] = now.facts.pick([CTIME, INODE]);
        InodeBeside {
            same_ctime: ctime == ctime_now,
            same_number: inode == inode_now,
            is_recent: recent.is_some(),
        }
    }

    /// The SHA-256 of the content in hex, if a set of moobacker has recorded it.
    pub fn sha256(&self) -> Option<&str> {
        self.member.facts.get(SHA256)
    }

    /// Whether extended attributes are equal; unknown attributes are no change.
    pub fn same_attributes(&self, now: &Member) -> bool {
        let known = self.member.knows_attributes() && now.knows_attributes();
        !known || self.member.facts.get(XATTRS) == now.facts.get(XATTRS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(facts: &[(&'static str, &str)]) -> Member {
        let mut member = Member { kind: Kind::File, ..Member::default() };
        facts.iter().for_each(|(key, value)| member.facts.set(key, value));
        member
    }

    fn doubted(recorded: &[(&'static str, &str)], now: &[(&'static str, &str)]) -> (bool, bool) {
        let known = Known::new(TreePath::root(), Part::Signature, file(recorded));
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
