//! Giving an object the attributes that it had.

use rustix::io::{Errno, Result};
use stream::Attributes;

use crate::object::Object;
use crate::read::{names, sized};
use crate::{CAPABILITY, counts, is_acl};

/// Bytes of an access control list of owner, group and others: a version, and eight for each.
const SMALLEST_ACL: usize = 4 + 3 * 8;

/// Gives an object these attributes, and takes away those that a backup keeps and it did not
/// have, such as a list that it has got from its directory. A file's mode has to be set after it.
///
/// # Errors
/// The first of those that could not be given; the others have been.
pub fn give(object: Object<'_>, attributes: &Attributes) -> Result<()> {
    let mut done = take_away(object, attributes);
    for (name, value) in attributes.iter().filter(|(name, _)| counts(name)) {
        done = done.and(set(object, name, value));
    }
    done
}

fn take_away(object: Object<'_>, wanted: &Attributes) -> Result<()> {
    let names = match names(object) {
        // Where no attribute can be read, none can have come by itself.
        Err(_) if wanted.is_empty() => return Ok(()),
        names => names?,
    };
    let mut done = Ok(());
    for name in names.split(|byte| *byte == 0) {
        if is_taken_away(name) && wanted.get(name).is_none() {
            done = done.and(object.remove(name));
        }
    }
    done
}

/// Security modules label each object themselves.
fn is_taken_away(name: &[u8]) -> bool {
    is_acl(name) || counts(name) && (name == CAPABILITY || !name.starts_with(b"security."))
}

/// Some file systems say that they have set an attribute, and have not; others refuse one that is there.
fn set(object: Object<'_>, name: &[u8], value: &[u8]) -> Result<()> {
    let set = object.set(name, value);
    if set.is_ok() && is_mode(name, value) {
        return Ok(());
    }
    let same = sized(|buffer| object.get(name, buffer)).is_ok_and(|is| is == value);
    if same { Ok(()) } else { Err(plain(set.err().unwrap_or(Errno::OPNOTSUPP))) }
}

/// Whether it is an access control list that says no more than a mode, and may become one.
fn is_mode(name: &[u8], value: &[u8]) -> bool {
    name == b"system.posix_acl_access" && value.len() <= SMALLEST_ACL
}

/// Out of space can mean that the inode has no more room.
fn plain(error: Errno) -> Errno {
    if error == Errno::NOSPC { Errno::TOOBIG } else { error }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;
    use crate::read;

    /// A file, where the file system of the test has attributes.
    fn file() -> Option<(tempfile::TempDir, File)> {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("f")).unwrap();
        let possible = Object::Open(file.as_fd()).set(b"user.old", b"1");
        if possible.is_err() {
            eprintln!("no attributes in {}, not tried", folder.path().display());
        }
        possible.ok().map(|()| (folder, file))
    }

    #[test]
    fn an_object_gets_its_attributes_and_loses_all_others() {
        let Some((folder, file)) = file() else {
            return;
        };
        let mut wanted = Attributes::default();
        wanted.insert(b"user.moo", vec![b'x'; 300]);
        wanted.insert(b"user.empty", Vec::new());
        wanted.insert(b"btrfs.compression", b"zstd".to_vec());
        let open = Object::Open(file.as_fd());
        give(open, &wanted).unwrap();
        let parent = File::open(folder.path()).unwrap();
        let found = read(Object::At(parent.as_fd(), b"f")).unwrap();
        assert_eq!(found, read(open).unwrap());
        assert_eq!(found.iter().count(), 2);
        assert_eq!(found.get(b"user.moo"), Some(&[b'x'; 300][..]));
    }

    #[test]
    fn what_cannot_be_given_is_told_and_the_rest_is_given() {
        let Some((_folder, file)) = file() else {
            return;
        };
        let mut wanted = Attributes::default();
        wanted.insert(b"user.a\0b", b"1".to_vec());
        wanted.insert(b"user.huge", vec![0; 70_000]);
        wanted.insert(b"user.moo", b"1".to_vec());
        let open = Object::Open(file.as_fd());
        assert!(give(open, &wanted).is_err());
        assert_eq!(read(open).unwrap().get(b"user.moo"), Some(&b"1"[..]));
    }
}
