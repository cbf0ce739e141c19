//! What happens to a tree from one backup to the next: every way in which an object can change.

use rustix::process::geteuid;

use crate::content::noise;
use crate::tree::{SAME_SECOND, Tree};

/// For how many days a tree is prepared.
const DAYS: u32 = 6;

/// What an object can turn into.
#[derive(Clone, Copy)]
enum Kind {
    Small,
    Large,
    Link,
    Fifo,
    Empty,
    Full,
}

const KINDS: [Kind; 6] =
    [Kind::Small, Kind::Large, Kind::Link, Kind::Fifo, Kind::Empty, Kind::Full];

/// Makes what will change.
pub(crate) fn prepare(tree: &Tree) {
    for day in 1..=DAYS {
        tree.noise(format!("gone/{day}/file"), 80_000);
        tree.noise(format!("gone/{day}/below/below/file"), 10);
        tree.symlink(format!("gone/{day}/link"), "file");
        tree.noise(format!("shrinks/{day}"), 100_000);
        tree.file(format!("grows/{day}"), b"");
    }
    for name in ["append", "insert", "rewrite", "cut", "setuid"] {
        tree.noise(format!("edits/{name}"), 300_000);
    }
    tree.mode("edits/setuid", 0o4755);
    for name in ["mode", "owner", "mtime", "edits/edge", SAME_SECOND, "folder mode/file"] {
        tree.noise(name, 65_000);
    }
    tree.symlink("link", "target 0");
    turn(tree, 0);
    again(tree, 0);
}

/// Changes all that; two days with following numbers are all ways of type changes.
pub(crate) fn change(tree: &Tree, day: u32) {
    turn(tree, day);
    again(tree, day);
    come_and_go(tree, day);
    edits(tree, day);
    metadata(tree, day);
    same_second(tree, day);
}

/// Every pair of kinds: one on even days, the other on odd ones.
fn turn(tree: &Tree, day: u32) {
    for (first, even) in KINDS.into_iter().enumerate() {
        for (second, odd) in KINDS.into_iter().enumerate().skip(first + 1) {
            let kind = if day.is_multiple_of(2) { even } else { odd };
            place(tree, &format!("turns/{first}{second}"), kind);
        }
    }
}

fn place(tree: &Tree, name: &str, kind: Kind) {
    match kind {
        Kind::Small => tree.noise(name, 100),
        Kind::Large => tree.noise(name, 150_000),
        Kind::Link => tree.symlink(name, "../order"),
        Kind::Fifo => tree.fifo(name),
        Kind::Empty => tree.folder(name),
        Kind::Full => fill(tree, name),
    }
}

fn fill(tree: &Tree, name: &str) {
    tree.remove(name);
    tree.noise(format!("{name}/file"), 100);
    tree.noise(format!("{name}/folder/large"), 70_000);
    tree.symlink(format!("{name}/link"), "file");
}

/// Deleted on odd days, there again on even ones.
fn again(tree: &Tree, day: u32) {
    if !day.is_multiple_of(2) {
        tree.remove("again/file");
        return tree.remove("again/tree");
    }
    tree.noise("again/file", 70_000);
    fill(tree, "again/tree");
}

fn come_and_go(tree: &Tree, day: u32) {
    tree.remove(format!("gone/{day}"));
    tree.noise(format!("new {day}/file"), 1000);
    tree.noise(format!("new {day}/large"), 200_000);
    tree.folder(format!("new {day}/empty"));
    tree.symlink(format!("new {day}/link"), "file");
    tree.symlink("link", format!("target {day}"));
}

fn edits(tree: &Tree, day: u32) {
    let news = noise(&day.to_le_bytes(), 70_000);
    tree.edit(format!("shrinks/{day}"), Vec::clear);
    tree.edit(format!("grows/{day}"), |file| file.extend(&news));
    tree.edit("edits/append", |file| file.extend(&news));
    tree.edit("edits/insert", |file| {
        file.splice(150_000..150_000, news[..999].iter().copied());
    });
    tree.noise("edits/rewrite", 300_000);
    tree.edit("edits/cut", |file| file.truncate(file.len() - 40_000));
    tree.edit("edits/edge", |file| file.resize(65_534 + day as usize, 7));
    tree.edit("edits/setuid", |file| file[100] ^= 1);
    tree.edit("sizes/3500000", |file| file[2_000_000..2_100_000].reverse());
}

fn metadata(tree: &Tree, day: u32) {
    tree.mode("mode", 0o600 + day);
    tree.mode("folder mode", 0o700 + day);
    tree.mode("mtime", 0o644);
    if geteuid().is_root() {
        tree.owner("owner", 54_321 + day, day);
    }
}

/// The same size and the same second, but other nanoseconds.
fn same_second(tree: &Tree, day: u32) {
    tree.edit(SAME_SECOND, |file| file[9] ^= 1);
    tree.mtime(SAME_SECOND, 1_600_000_000, i64::from(day));
}
