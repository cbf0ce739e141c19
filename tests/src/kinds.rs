//! One object of every kind that a backup has to keep.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use rustix::process::geteuid;

use crate::log::not_tried;
use crate::tree::Tree;

/// Sizes around those where duplicity's pieces begin and end.
const SIZES: [usize; 8] = [0, 1, 512, 65535, 65536, 65537, 131_072, 3_500_000];

/// File names that a careless program trips over.
const NAMES: [&[u8]; 19] = [
    b" space before",
    b"space after ",
    b"new\nline",
    b"new line at the end\n",
    b"tab\tulator",
    b"quotes \" and '",
    b"back\\slash \\n \\101",
    b"-rf",
    b"--help",
    b"#hash",
    b"*",
    b"%s%n",
    b"$HOME `id`",
    b"\xff\xfe not UTF-8",
    b"\x01\x7f control",
    "gr\u{fc}\u{df}e \u{1f404}".as_bytes(),
    b"1",
    b".hidden",
    b"..more dots",
];

/// Permission bits, one file each.
const MODES: [u32; 6] = [0o4755, 0o2755, 0o1644, 0o6711, 0o7777, 0o0400];

/// Puts one of each into the tree; what only root may make is left out, and said, for others.
pub(crate) fn build(tree: &Tree) {
    sizes(tree);
    names(tree);
    order(tree);
    symlinks(tree);
    modes(tree);
    times(tree);
    attributes(tree);
    tree.fifo("special/fifo");
    tree.socket("special/socket");
    tree.folder("empty folder");
    tree.hard_link("hard link", "sizes/65537");
    if geteuid().is_root() {
        return only_root(tree);
    }
    not_tried("not root: devices, what is unreadable, and files of other users");
}

fn sizes(tree: &Tree) {
    for size in SIZES {
        tree.noise(format!("sizes/{size}"), size);
    }
    tree.file("sizes/compressible", &b"the cow jumped over the moon\n".repeat(10_000));
}

fn names(tree: &Tree) {
    for name in NAMES {
        tree.noise(OsStr::from_bytes(&[b"names/", name].concat()), 100);
        let folder = [b"folders/", name].concat();
        tree.noise(OsStr::from_bytes(&[&folder[..], b"/", name].concat()), 70_000);
    }
    tree.noise(format!("names/{}", "l".repeat(120)), 10);
    tree.noise(format!("names/{}", "L".repeat(255)), 10);
    tree.noise(format!("deep{}/end", "/and deeper".repeat(40)), 66_000);
}

/// Where the order of path components differs from that of the joined text.
fn order(tree: &Tree) {
    for name in ["a/b/c", "a/z", "a-b", "a.txt", "a0", "digits/7/1", "digits/70"] {
        tree.noise(format!("order/{name}"), 20);
    }
    tree.noise("order/digits/7/2", 140_000);
}

fn symlinks(tree: &Tree) {
    tree.symlink("links/short", "../sizes/1");
    tree.symlink("links/long", "x".repeat(150));
    tree.symlink("links/dangling", "nowhere");
    tree.symlink("links/folder", "../order");
    tree.symlink("links/absolute", "/etc/passwd");
    tree.symlink("links/odd", OsStr::from_bytes(b" \xff\n\\ -> \t\n"));
}

fn modes(tree: &Tree) {
    for mode in MODES {
        tree.noise(format!("modes/{mode:04o}"), 30);
        tree.mode(format!("modes/{mode:04o}"), mode);
    }
    tree.noise("modes/sticky/file", 30);
    tree.mode("modes/sticky", 0o1777);
    tree.noise("modes/read only/file", 30);
    tree.mode("modes/read only", 0o555);
}

fn times(tree: &Tree) {
    let seconds = [("zero", 0), ("negative", -86_400 * 365), ("after 2242", 8_589_934_592 + 99)];
    for (name, second) in seconds {
        tree.noise(format!("times/{name}"), 10);
        tree.mtime(format!("times/{name}"), second, 500_000_000);
    }
    tree.noise("times/old folder/file", 10);
    tree.mtime("times/old folder", 86_400, 999_999_999);
}

fn attributes(tree: &Tree) {
    tree.noise("attributes/user", 10);
    tree.attribute("attributes/user", "user.moobacker", b"\x00binary\xff\n");
    tree.noise("attributes/acl", 10);
    tree.attribute("attributes/acl", "system.posix_acl_access", &acl());
}

/// An access control list as the kernel takes it: version 2, then tag, permissions and number of
/// u::rw- u:daemon:r-- g::r-- m::r-- o::---, which is mode 0640.
fn acl() -> Vec<u8> {
    let none = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, none), (2, 4, 1), (4, 4, none), (16, 4, none), (32, 0, none)];
    let mut bytes = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, number) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(number.to_le_bytes());
    }
    bytes
}

/// What others may not make, or not read.
fn only_root(tree: &Tree) {
    tree.noise("modes/0000", 30);
    tree.mode("modes/0000", 0o000);
    tree.folder("modes/closed");
    tree.mode("modes/closed", 0o000);
    tree.char_device("special/null", 1, 3);
    tree.block_device("special/block", 259, 1_000_000);
    for (name, user, group) in
        [("daemon", 1, 1), ("unknown", 54_321, 54_322), ("huge", 3_000_000_000, 2_097_152)]
    {
        tree.noise(format!("owners/{name}"), 10);
        tree.owner(format!("owners/{name}"), user, group);
    }
    tree.folder("owners/folder");
    tree.owner("owners/folder", 2, 54_322);
    tree.symlink("owners/link", "huge");
    tree.owner("owners/link", 1, 1);
}
