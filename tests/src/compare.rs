//! Snapshots of trees: a line an object, so that two trees compare as two sorted texts.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{lgetxattr, llistxattr, major, minor};
use sha2::{Digest, Sha256};

use crate::tree::SAME_SECOND;

/// One object, as far as it is compared.
#[derive(Clone, PartialEq, Eq)]
struct Object {
    kind: &'static str,
    mode: u32,
    owner: (u32, u32),
    mtime: Option<(i64, i64)>,
    /// Hash, link target or device number.
    content: String,
    attributes: Vec<String>,
}

/// What a tree holds: every object with all its metadata, hard links as files of their own.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    objects: BTreeMap<Vec<u8>, Object>,
}

impl Snapshot {
    /// Everything: nanoseconds, attributes, and sockets too.
    pub fn of(root: impl AsRef<Path>) -> Snapshot {
        let mut snapshot = Snapshot { objects: BTreeMap::new() };
        snapshot.add(root.as_ref(), b".");
        snapshot
    }

    /// What duplicity sees and keeps of a tree: [`Snapshot::as_stock`] without the file whose
    /// changes it can't see.
    pub fn by_stock(root: impl AsRef<Path>) -> Snapshot {
        Snapshot::of(root).as_stock().without(&[SAME_SECOND])
    }

    /// What duplicity keeps: no sockets or attributes, whole seconds from 1970 on, and of a
    /// symbolic link no time.
    #[must_use]
    pub fn as_stock(self) -> Snapshot {
        let mut snapshot = self.without_sockets();
        for object in snapshot.objects.values_mut() {
            object.attributes.clear();
            object.mtime = object.mtime.map(|(seconds, _)| (seconds.max(0), 0));
            if object.kind == "link" {
                object.mtime = None;
            }
        }
        snapshot
    }

    /// What moobacker keeps of a tree: everything but sockets.
    pub fn kept(root: impl AsRef<Path>) -> Snapshot {
        Snapshot::of(root).without_sockets()
    }

    /// What any backup keeps.
    #[must_use]
    pub fn without_sockets(mut self) -> Snapshot {
        self.objects.retain(|_, object| object.kind != "socket");
        self
    }

    /// Without those objects (and all below them).
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Snapshot {
        self.objects.retain(|path, _| {
            !names.iter().any(|name| Path::new(OsStr::from_bytes(path)).starts_with(name))
        });
        self
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is not even the root.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// A line an object: `path kind mode owner group mtime content attributes`.
    pub fn lines(&self) -> Vec<String> {
        self.objects.iter().map(|(path, object)| line(path, object)).collect()
    }

    fn add(&mut self, path: &Path, name: &[u8]) {
        let metadata = fs::symlink_metadata(path).unwrap();
        self.objects.insert(name.to_owned(), Object::read(path, &metadata));
        if metadata.is_dir() {
            self.add_children(path, name);
        }
    }

    fn add_children(&mut self, path: &Path, name: &[u8]) {
        for child in fs::read_dir(path).unwrap() {
            let child = child.unwrap().file_name();
            let name = match name {
                b"." => child.as_bytes().to_owned(),
                _ => [name, b"/", child.as_bytes()].concat(),
            };
            self.add(&path.join(child), &name);
        }
    }
}

impl Object {
    fn read(path: &Path, metadata: &Metadata) -> Object {
        let (kind, content) = content(path, metadata);
        Object {
            kind,
            mode: metadata.mode() & 0o7777,
            owner: (metadata.uid(), metadata.gid()),
            mtime: Some((metadata.mtime(), metadata.mtime_nsec())),
            content,
            attributes: attributes(path),
        }
    }
}

fn content(path: &Path, metadata: &Metadata) -> (&'static str, String) {
    let kind = metadata.file_type();
    let device = format!("{}:{}", major(metadata.rdev()), minor(metadata.rdev()));
    match () {
        () if kind.is_dir() => ("folder", String::new()),
        () if kind.is_symlink() => ("link", escaped(fs::read_link(path).unwrap().as_os_str())),
        () if kind.is_fifo() => ("fifo", String::new()),
        () if kind.is_socket() => ("socket", String::new()),
        () if kind.is_char_device() => ("char", device),
        () if kind.is_block_device() => ("block", device),
        () => ("file", format!("{} {}", metadata.len(), hash(path))),
    }
}

fn hash(path: &Path) -> String {
    let hash = Sha256::digest(fs::read(path).unwrap());
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn attributes(path: &Path) -> Vec<String> {
    let mut names = vec![0; 65536];
    // A file system without attributes has none.
    let len = llistxattr(path, &mut names[..]).unwrap_or(0);
    let names = names[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut attributes: Vec<_> = names.map(|name| attribute(path, name)).collect();
    attributes.sort();
    attributes
}

fn attribute(path: &Path, name: &[u8]) -> String {
    let mut value = vec![0; 65536];
    let len = lgetxattr(path, name, &mut value[..]).unwrap();
    format!("{}={}", name.escape_ascii(), value[..len].escape_ascii())
}

fn escaped(text: &OsStr) -> String {
    text.as_bytes().escape_ascii().to_string()
}

fn line(path: &[u8], object: &Object) -> String {
    let Object { kind, mode, owner: (user, group), mtime, content, attributes } = object;
    let mtime = mtime.map(|(seconds, nanos)| format!("{seconds}.{nanos:09}")).unwrap_or_default();
    let path = path.escape_ascii();
    format!("{path} {kind} {mode:04o} {user}:{group} {mtime} {content} {}", attributes.join(" "))
}

/// Two trees hold the same; else panics with the lines that only one of them has.
#[track_caller]
pub fn assert_same(expected: &Snapshot, found: &Snapshot) {
    let (left, right) = (expected.lines(), found.lines());
    let missing = left.iter().filter(|line| !right.contains(line)).map(|line| format!("- {line}"));
    let extra = right.iter().filter(|line| !left.contains(line)).map(|line| format!("+ {line}"));
    let mut differences: Vec<_> = missing.chain(extra).collect();
    differences.sort_by(|one, other| one[2..].cmp(&other[2..]));
    assert!(
        differences.is_empty(),
        "the trees differ (- expected, + found):\n{}",
        differences.join("\n")
    );
}
