//! The mounts that this process sees, and where an open directory is among them.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Where the system lists them.
const LIST: &str = "/proc/self/mountinfo";

/// A mount, as proc(5) describes its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its number.
    pub id: u64,
    /// The directory of the file system that is mounted, `/` for all of it.
    pub root: PathBuf,
    /// Where it is mounted.
    pub point: PathBuf,
    /// The type of the file system, such as `ext4`.
    pub kind: String,
    /// What is mounted: a device, or a name.
    pub device: PathBuf,
}

impl Mount {
    /// All mounts; a later one covers an earlier one at the same place.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub fn all() -> io::Result<Vec<Mount>> {
        let text = fs::read(LIST)?;
        Ok(text.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect())
    }

    /// The mount through which an object was opened.
    ///
    /// # Errors
    /// There is no `/proc`, or the mount is not listed: it was detached.
    pub fn of(object: impl AsFd) -> io::Result<Mount> {
        let number = object.as_fd().as_raw_fd();
        let text = fs::read_to_string(format!("/proc/self/fdinfo/{number}"))?;
        let id = text.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
        let found = Mount::all()?.into_iter().find(|mount| Some(mount.id) == id);
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn parse(line: &[u8]) -> Option<Mount> {
        let mut words = line.split(|byte| *byte == b' ');
        let id = str::from_utf8(words.next()?).ok()?.parse().ok()?;
        let (root, point) = (words.nth(2)?, words.next()?);
        let mut rest = words.skip_while(|word| *word != b"-").skip(1);
        let kind = String::from_utf8_lossy(rest.next()?).into_owned();
        let [root, point, device] = [root, point, rest.next()?].map(unescaped);
        Some(Mount { id, root, point, kind, device })
    }
}

/// The path of an open object, without links.
///
/// # Errors
/// There is no `/proc`.
pub fn path_of(object: impl AsFd) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", object.as_fd().as_raw_fd()))
}

/// A word in which the system has written blanks, newlines and backslashes as `\OOO`.
fn unescaped(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::path::Path;

    #[test]
    fn a_line_of_the_list_is_read_with_its_blanks() {
        let line =
            br"36 35 98:0 /mnt1 /a\040b\134 rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue";
        let mount = Mount::parse(line).unwrap();
        assert_eq!((mount.id, &*mount.kind), (36, "ext3"));
        assert_eq!(mount.point, Path::new("/a b\\"));
        assert_eq!((&*mount.root, &*mount.device), (Path::new("/mnt1"), Path::new("/dev/root")));
        let bare = Mount::parse(b"1 0 0:1 / / rw - tmpfs none rw").unwrap();
        assert_eq!((&*bare.root, &*bare.device), (Path::new("/"), Path::new("none")));
        for short in [&b""[..], b"1 0", b"1 0 0:1 / / rw", b"x 0 0:1 / / rw - tmpfs none rw"] {
            assert_eq!(Mount::parse(short), None);
        }
    }

    #[test]
    fn an_open_directory_is_on_the_mount_that_covers_it() {
        let proc = File::open("/proc/self").unwrap();
        assert_eq!(Mount::of(&proc).unwrap().kind, "proc");
        assert_eq!(path_of(File::open("/").unwrap()).unwrap(), Path::new("/"));
    }
}
