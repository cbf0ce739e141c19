//! Hard links.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use stream::member::{Kind, LINK, XATTRS};
use tests::{Sandbox, Snapshot, Tree, assert_same};

use crate::forge::{Entry, FULL, INC, deleted, file, folder, link, put, root, tar};
use crate::kept::stock_restores;
use crate::moo::{Moo, stored};

/// The names of each file that has several, sorted.
pub(crate) fn groups(folder: impl AsRef<Path>) -> Vec<Vec<String>> {
    let mut groups = BTreeMap::new();
    add(folder.as_ref(), "", &mut groups);
    let mut groups: Vec<Vec<String>> = groups.into_values().filter(|g| g.len() > 1).collect();
    groups.iter_mut().for_each(|group| group.sort());
    groups.sort();
    groups
}

fn add(folder: &Path, above: &str, groups: &mut BTreeMap<u64, Vec<String>>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        let found = entry.metadata().unwrap();
        if found.is_dir() {
            add(&entry.path(), &format!("{name}/"), groups);
        } else if found.is_file() {
            groups.entry(found.ino()).or_default().push(name);
        }
    }
}

/// What happens to the links from one day to the next.
const DAYS: [&str; 9] = [
    // The content of a file changes under all its names.
    "printf moo >>large",
    // One name becomes a file of its own that looks the same.
    "cp -p two/b x && mv x two/b",
    // A name comes before all others, and one behind them.
    "ln a '0 \\first' && ln a zzz",
    // The first name goes; another name takes its place.
    "rm '0 \\first' && mv a c && ln c a",
    // Two files swap a name.
    "mv large x && ln c large && rm c && mv x c",
    // Mode and attributes of one are those of all its names.
    "chmod 600 a && setfattr -n user.moo -v 1 two/large",
    // A name becomes something else.
    "rm a && mkdir a && ln zzz a/zzz",
    // Only one name is left.
    "rm -r a zzz",
    "touch -d 2000-01-01T00:00:00.25Z c two/large",
];

#[test]
fn hard_links_come_back_as_links_at_each_state() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a", 5000);
    tree.noise("two/b", 10);
    tree.hard_link("two/a", "a");
    tree.hard_link("a b\\", "a");
    tree.hard_link("two/c", "two/b");
    tree.noise("large", 200_000);
    tree.hard_link("two/large", "large");
    tree.file("empty", b"");
    tree.hard_link("two/empty", "empty");
    let moo = Moo::plain(&sandbox);
    let mut states = Vec::new();
    for day in ["true"].iter().chain(&DAYS) {
        sandbox.sh(&format!("cd src && {day}")).silent();
        states.push((groups(tree.root()), Snapshot::kept(tree.root())));
        moo.backup("").silent();
        sandbox.sh("moo-scan --dry-run --archive archive src").silent();
    }
    let count: usize = states.iter().map(|(groups, _)| groups.len()).sum();
    println!("{} states, {count} groups of links", states.len());
    for (time, (groups_then, state)) in stored(&sandbox).iter().zip(&states) {
        moo.restore(&format!("--time {time}")).silent();
        assert_eq!(&groups(sandbox.path("out")), groups_then, "{time}");
        assert_same(state, &Snapshot::kept(sandbox.path("out")));
        sandbox.remove("out");
    }
    let states: Vec<Snapshot> = states.into_iter().map(|(_, state)| state).collect();
    stock_restores(&sandbox, &states[..4]);
}

#[test]
fn a_part_of_a_backup_has_the_links_whose_first_name_is_in_it() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a", 5000);
    tree.noise("folder/b", 5000);
    tree.hard_link("folder/a", "a");
    tree.hard_link("folder/c", "folder/b");
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    moo.restore("--path folder").silent();
    assert_eq!(groups(sandbox.path("out")), [["b", "c"]]);
    assert_same(&Snapshot::kept(tree.path("folder")), &Snapshot::kept(sandbox.path("out")));
    sandbox.remove("out");
    moo.restore("--path folder/c").silent();
    sandbox.sh("cmp out src/folder/b").silent();
}

/// A file with that content that says it is a further name of another one.
fn further(name: &str, first: &str, body: &[u8]) -> Entry {
    let mut entry = file(format!("snapshot/{name}"), body);
    entry.member.annotations.set(XATTRS, "0");
    entry.member.annotations.set_bytes(LINK, first.as_bytes());
    entry
}

/// Restores these sets; nothing outside is touched, and only `linked` are links.
#[track_caller]
fn restored(sets: [&[Entry]; 2], linked: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("echo moo >canary && ln canary other && touch -d @0 canary").silent();
    put(&sandbox, FULL, &[tar(sets[0])]);
    if !sets[1].is_empty() {
        put(&sandbox, INC, &[tar(sets[1])]);
    }
    sandbox.sh("moo restore --archive-dir . --name none file://$PWD/store out").silent();
    let links: Vec<String> = groups(sandbox.path("out")).concat();
    assert_eq!(links, linked);
    sandbox.sh("stat -c %h canary && cat canary").succeeds().stdout_is("2\nmoo");
    sandbox.sh("ls -A .tmp").silent();
    sandbox
}

#[test]
fn a_forged_link_leads_nowhere_else() {
    let same = b"moo\n";
    let places = ["../canary", "/canary", "../../canary", "..", "", ".", "x", "no/such", "a\\x00"];
    for first in places {
        drop(restored([&[root(), further("x", first, same)], &[]], &[]));
    }
    // Through a symbolic link, to one, to a directory, to what is no file.
    let out = link("snapshot/l", Kind::Symlink, "..");
    drop(restored([&[root(), out, further("x", "l/canary", same)], &[]], &[]));
    let to = link("snapshot/l", Kind::Symlink, "../canary");
    drop(restored([&[root(), to, further("x", "l", same)], &[]], &[]));
    drop(restored([&[root(), folder("snapshot/d"), further("x", "d", b"")], &[]], &[]));
    let fifo = crate::forge::entry("snapshot/f", Kind::Fifo);
    drop(restored([&[root(), fifo, further("x", "f", b"")], &[]], &[]));
}

#[test]
fn a_forged_link_to_what_is_not_the_same_is_a_file_of_its_own() {
    let a = || file("snapshot/a", b"moo\n");
    let same = || further("x", "a", b"moo\n");
    drop(restored([&[root(), a(), same()], &[]], &["a", "x"]));
    for body in [&b"moo"[..], b"moo\nmoo\n", b"Moo\n", b""] {
        let sandbox = restored([&[root(), a(), further("x", "a", body)], &[]], &[]);
        assert_eq!(fs::read(sandbox.path("out/x")).unwrap(), body);
        assert_eq!(fs::read(sandbox.path("out/a")).unwrap(), b"moo\n");
    }
    let mut setuid = same();
    setuid.member.mode = 0o4755;
    drop(restored([&[root(), a(), setuid], &[]], &[]));
    let mut later = same();
    later.member.mtime.secs = 1;
    drop(restored([&[root(), a(), later], &[]], &[]));
    let mut with = same();
    assert!(with.member.attributes.insert(b"user.moo", b"1".to_vec()));
    drop(restored([&[root(), a(), with], &[]], &[]));
    // One of two names changes, goes, or is changed through.
    let delta = file("diff/x", b"rs\x026\x01M\0");
    let sandbox = restored([&[root(), a(), same()], &[delta]], &[]);
    sandbox.sh("cat out/a out/x").succeeds().stdout_is("moo\nM");
    drop(restored([&[root(), a(), same()], &[deleted("a")]], &[]));
    let sandbox = restored([&[root(), a(), same()], &[file("snapshot/a", b"new")]], &[]);
    sandbox.sh("cat out/x").succeeds().stdout_is("moo");
}
