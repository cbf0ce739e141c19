//! An entry as the newest set that has it knows it.

use archive::{Part, TreePath};
use stream::member::{CTIME, DOUBT, INODE, Kind, LINK, RECENT, SHA256, SIZE, XATTRS};
use stream::{Member, Stamp};

/// What the archive knows of an entry of the source.
#[derive(Clone, Debug)]
pub struct Known {
    /// Where it is in the source.
    pub path: TreePath,
    /// What it was; the size in it is that of the signature.
    pub member: Member,
    /// Whether it has a signature, and thereby can have a delta.
    pub has_signature: bool,
}

impl Known {
    pub(crate) fn new(path: TreePath, part: Part, member: Member) -> Known {
        Known { path, member, has_signature: part == Part::Signature }
    }

    /// The file's size in bytes, where a set of ours knows it.
    pub fn size(&self) -> Option<u64> {
        self.member.facts.parse(SIZE)
    }

    /// Whether a set of ours recorded it, with all that we record.
    pub fn is_exact(&self) -> bool {
        self.member.facts.get(CTIME).is_some()
    }

    /// Whether the modification time is the same, as far as it was recorded.
    pub fn same_time(&self, mtime: Stamp) -> bool {
        if self.is_exact() {
            return self.member.mtime == mtime;
        }
        // duplicity keeps whole seconds, and 0 for what is before 1970.
        self.member.mtime.secs.max(0) == mtime.secs.max(0)
    }

    /// Whether an entry of the source is still what it was, leaving aside the size. A file that
    /// was changed while it was read is not, though its time may have been put back.
    pub fn is_same(&self, now: &Member) -> bool {
        let was = &self.member;
        let kind = was.kind == now.kind && (was.kind != Kind::File || self.has_signature);
        kind && was.facts.get(DOUBT).is_none()
            && (was.mode, was.uid, was.gid) == (now.mode, now.uid, now.gid)
            && was.link == now.link
            && was.device == now.device
            && (self.same_time(now.mtime) || now.kind.is_device())
            && self.same_attributes(now)
            && self.same_link(now)
    }

    /// Whether only the content can tell that a file which [`Known::is_same`] is what it was: its
    /// inode is another or has changed, as after a write whose modification time was put back, or
    /// it was stored in the very tick of its last change. Those facts that are `ignored` don't
    /// count.
    pub fn needs_reading(&self, now: &Member, ignored: &[&str]) -> bool {
        let was = &self.member.facts;
        let differs = |fact: &&str| !ignored.contains(fact) && was.get(fact) != now.facts.get(fact);
        self.is_exact() && (was.get(RECENT).is_some() || [CTIME, INODE].iter().any(differs))
    }

    /// The SHA-256 of the content, in hex, where a set of ours knows it.
    pub fn sha256(&self) -> Option<&str> {
        self.member.facts.get(SHA256)
    }

    /// Whether extended attributes are the same; what is not known is no change.
    pub fn same_attributes(&self, now: &Member) -> bool {
        let known = self.member.knows_attributes() && now.knows_attributes();
        !known || self.member.facts.get(XATTRS) == now.facts.get(XATTRS)
    }

    /// Whether it is the first name of a file, or a further name of the same, as it was; what is
    /// not known is no change.
    pub fn same_link(&self, now: &Member) -> bool {
        let known = self.member.facts.get(XATTRS).is_some();
        !known || self.member.facts.get(LINK) == now.facts.get(LINK)
    }
}
