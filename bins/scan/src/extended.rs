//! What of extended attributes goes into a member.

use attributes::{Trouble, digest};
use local::InodeBeside;
use stream::member::{CTIME, UNKNOWN_XATTRS, XATTRS};
use stream::{Attributes, Member, Timestamp};

/// Puts an object's attributes into its member. Returns what is to be said where it has some that
/// are not stored.
pub(crate) fn put(member: &mut Member, read: Result<Attributes, Trouble>) -> Option<String> {
    match read {
        Ok(attributes) => {
            member.annotations.set(XATTRS, digest(&attributes));
            member.attributes = attributes;
            None
        }
        Err(trouble) => {
            member.annotations.set(XATTRS, UNKNOWN_XATTRS);
            // What may not be read is no news: the object itself can't be read either.
            let told = trouble != Trouble::Hidden;
            told.then(|| format!("its extended attributes {trouble}: not stored"))
        }
    }
}

/// What the last backup recorded of a file's attributes, where they must be the same: every change
/// sets the inode's time. Where the file system counts that in seconds, two can have the same.
pub(crate) fn unchanged(was: &Member, now: &Member, beside: InodeBeside) -> Option<String> {
    let fine = || now.annotations.parse(CTIME).is_some_and(|changed: Timestamp| changed.nanos != 0);
    let same = beside.same_ctime && beside.same_number;
    let known = same && was.knows_attributes() && fine();
    was.annotations.get(XATTRS).filter(|_| known).map(str::to_owned)
}
