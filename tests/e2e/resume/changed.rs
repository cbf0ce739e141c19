//! A source that changes between an interrupted backup and the next one: whatever the set that is
//! gone on with has of it, the chain restores, and the next increment has the truth.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use tests::{Duplicity, Sandbox, Snapshot, assert_same, scale, spread};

use super::kit::{Subject, Volumes};

type Change = (&'static str, fn(&Subject<'_>));

/// What happens to the source. The interrupted run is in the middle of `large` then.
const CHANGES: &[Change] = &[
    ("a file before: rewritten", |s| s.rewrite("a/1", 77)),
    ("the large file: rewritten, and its mtime kept", |s| keep_mtime(s, "large")),
    ("the large file: becomes a folder", |s| become_folder(s, "large")),
    ("a folder before: becomes a file", |s| s.tree.noise("a", 1000)),
    ("the large file: removed", |s| s.tree.remove("large")),
    ("a file before: becomes a folder", |s| become_folder(s, "a/4")),
    ("all before: removed", |s| s.tree.remove("a")),
    ("the large file: rewritten", |s| s.rewrite("large", 77)),
    ("a file before: new", |s| s.tree.noise("a/00", 1000)),
    ("the large file: grown", |s| s.tree.edit("large", |content| content.extend([1; 100_000]))),
    ("the large file: shorter", |s| s.tree.edit("large", |content| content.truncate(2_500_000))),
    ("the large file: replaced by its copy", |s| {
        s.sandbox.sh("cp -a src/large src/copy && mv src/copy src/large").silent();
    }),
    ("the large file: becomes a link", |s| s.tree.symlink("large", "a/1")),
    ("a file behind: rewritten", |s| s.rewrite("z/2", 77)),
    ("a folder behind: becomes a file", |s| s.tree.noise("z", 1000)),
    ("a folder behind: becomes a link", |s| {
        s.tree.remove("z");
        symlink("a", s.tree.path("z")).unwrap();
    }),
    ("a file behind: becomes a folder", |s| become_folder(s, "z/1")),
    ("nothing", |_| ()),
];

fn become_folder(subject: &Subject<'_>, name: &str) {
    subject.tree.remove(name);
    subject.tree.noise(format!("{name}/in/it"), 200_000);
}

/// Other bytes under the same length and mtime.
fn keep_mtime(subject: &Subject<'_>, name: &str) {
    let facts = fs::metadata(subject.tree.path(name)).unwrap();
    subject.rewrite(name, 99);
    subject.tree.mtime(name, facts.mtime(), facts.mtime_nsec());
}

#[test]
fn a_source_that_changes_in_between_spoils_no_chain() {
    let mut cases = 0;
    for (index, kind) in ["full", "inc"].into_iter().enumerate() {
        for number in spread(scale(5, CHANGES.len()), CHANGES.len()) {
            let (what, change) = CHANGES[(number + index) % CHANGES.len()];
            let sandbox = Sandbox::new();
            let mut subject = Subject::new(&sandbox, "--no-encryption");
            if kind == "inc" {
                subject.goes_on("full", &Volumes::new());
                subject.news();
            }
            eprintln!("{kind}: {what}");
            subject.cut(kind, 2_900_000).fails_with(4);
            let before = subject.waiting();
            let old = Snapshot::by_stock(subject.tree.root());
            change(&subject);
            subject.moo().backup("").silent();
            agree(&sandbox, number % 5 == 0, &old, &Snapshot::by_stock(subject.tree.root()));
            if !what.starts_with("the large file") {
                assert_eq!(subject.kept(&before), before.len(), "{what}: all of them are of use");
            }
            subject.moo().backup("inc").silent();
            subject.moo().brings_back("now", &Snapshot::kept(subject.tree.root()));
            if number % 5 == 1 {
                let state = Snapshot::by_stock(subject.tree.root());
                for peer in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
                    peer.plain().archive("lost").restore("stock").succeeds();
                    assert_same(&state, &Snapshot::by_stock(sandbox.path("stock")));
                    sandbox.sh("rm -rf stock lost").silent();
                }
            }
            cases += 1;
        }
    }
    eprintln!("{cases} changes");
}

#[test]
fn files_that_swapped_names_while_a_backup_was_interrupted_are_stored_by_the_next() {
    for (kind, first, second) in
        [("full", "a/2", "a/4"), ("inc", "a/2", "a/4"), ("inc", "z/2", "z/3")]
    {
        let sandbox = Sandbox::new();
        let mut subject = Subject::new(&sandbox, "--no-encryption");
        for name in [first, second] {
            subject.tree.mtime(name, 1_700_000_000, 5);
        }
        if kind == "inc" {
            subject.goes_on("full", &Volumes::new());
            subject.news();
        }
        subject.cut(kind, 2_900_000).fails_with(4);
        sandbox
            .sh(&format!("mv src/{first} x && mv src/{second} src/{first} && mv x src/{second}"))
            .silent();
        subject.moo().backup("").silent();
        subject.moo().backup("inc").silent();
        subject.moo().brings_back("now", &Snapshot::kept(subject.tree.root()));
    }
}

/// What is restored is, line by line, what was there at one time or the other; duplicity agrees.
fn agree(sandbox: &Sandbox, peers: bool, old: &Snapshot, new: &Snapshot) {
    let restored = "moo restore --archive-dir . --name archive file://$PWD/store out";
    sandbox.sh(restored).silent();
    let found = Snapshot::by_stock(sandbox.path("out"));
    let known = [old.lines(), new.lines()].concat();
    for line in found.lines() {
        assert!(known.contains(&line), "{line} was never so");
    }
    for peer in [Duplicity::old(sandbox), Duplicity::new(sandbox)].into_iter().filter(|_| peers) {
        peer.plain().archive("lost").restore("stock").succeeds();
        assert_same(&found, &Snapshot::by_stock(sandbox.path("stock")));
        sandbox.sh("rm -rf stock lost").silent();
    }
    sandbox.remove("out");
}
