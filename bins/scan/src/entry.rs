//! From what the system says of an object to a tar member.

use rustix::fs::{FileType, Stat, major, minor};
use stream::member::{CTIME, INODE, Kind, SIZE};
use stream::{Member, Timestamp};

use crate::owners::Owners;

/// What kind of member an object is; none for a socket, which has nothing to restore.
pub(crate) fn kind(stat: &Stat) -> Option<Kind> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Directory),
        FileType::Symlink => Some(Kind::Symlink),
        FileType::Fifo => Some(Kind::Fifo),
        FileType::CharacterDevice => Some(Kind::CharDevice),
        FileType::BlockDevice => Some(Kind::BlockDevice),
        _ => None,
    }
}

/// The member of an object, without a name; `link` is where it points to.
pub(crate) fn member(kind: Kind, stat: &Stat, link: Vec<u8>, owners: &mut Owners) -> Member {
    let mut member = Member {
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid.into(),
        gid: stat.st_gid.into(),
        uname: owners.user(stat.st_uid),
        gname: owners.group(stat.st_gid),
        mtime: modified(stat),
        link,
        ..Member::default()
    };
    if kind.is_device() {
        member.device = (major(stat.st_rdev), minor(stat.st_rdev));
    }
    if kind == Kind::File {
        member.annotations.set(SIZE, stat.st_size);
    }
    member.annotations.set(CTIME, changed(stat));
    member.annotations.set(INODE, stat.st_ino);
    member
}

/// When the content was last changed.
pub(crate) fn modified(stat: &Stat) -> Timestamp {
    Timestamp { secs: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 }
}

/// When the inode was last changed.
pub(crate) fn changed(stat: &Stat) -> Timestamp {
    Timestamp { secs: stat.st_ctime, nanos: stat.st_ctime_nsec as u32 }
}
