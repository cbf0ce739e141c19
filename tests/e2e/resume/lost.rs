//! Interrupted backups that can't be gone on with, as a whole or in part: then a new set is made.

use std::fs;
use std::path::PathBuf;

use tests::damage::{find, find_all, flip, truncate};
use tests::{Key, Sandbox, Snapshot, assert_same};

use super::kit::{Subject, Volumes};
use crate::moo::{Moo, stored};

/// A backup without encryption that ends behind some volumes.
fn cut(sandbox: &Sandbox) -> (Subject<'_>, Volumes) {
    let subject = Subject::new(sandbox, "--no-encryption");
    subject.cut("full", 4_000_000).fails_with(4);
    let before = subject.waiting();
    assert_eq!(before.len(), 3);
    (subject, before)
}

fn journal(sandbox: &Sandbox, word: &str) -> PathBuf {
    find(sandbox.path("archive"), word)
}

#[test]
fn other_options_make_another_set() {
    for options in ["--exclude src/a/1", "--hash md4", "--compress-level 9"] {
        let sandbox = Sandbox::new();
        let (mut subject, before) = cut(&sandbox);
        let more = subject.moo().option(options).option("-v info");
        more.backup("").succeeds().stderr_has("the options are other ones");
        if options.starts_with("--exclude") {
            subject.tree.remove("a/1");
            subject.tree.mtime("a", 1_700_000_000, 123_456_789);
        }
        subject.ends_well(&before, 0);
    }
}

#[test]
fn the_size_of_volumes_may_be_another() {
    let sandbox = Sandbox::new();
    let (mut subject, before) = cut(&sandbox);
    Moo::new(&sandbox, "--no-compression --no-encryption --volsize 2").backup("").silent();
    subject.ends_well(&before, 3);
    subject.all_is_there();
}

#[test]
fn without_the_archive_it_is_all_made_anew() {
    let sandbox = Sandbox::new();
    let (mut subject, before) = cut(&sandbox);
    sandbox.remove("archive");
    subject.goes_on_with("", &before, 0);
}

#[test]
fn damaged_journals_are_none() {
    for (word, cut_to, useful) in [
        (".packed", 0, 0),
        (".packed", 30, 0),
        (".arrived", 40, 0),
        (".arrived", 700, 1),
        (".files", 3, 0),
        (".sigtar.part", 0, 0),
        (".manifest.part", 5, 0),
    ] {
        let sandbox = Sandbox::new();
        let (mut subject, before) = cut(&sandbox);
        truncate(journal(&sandbox, word), cut_to);
        subject.goes_on_with("", &before, useful);
    }
    for word in [".packed", ".arrived"] {
        let sandbox = Sandbox::new();
        let (mut subject, before) = cut(&sandbox);
        flip(journal(&sandbox, word), 1);
        subject.goes_on_with("", &before, 0);
    }
}

#[test]
fn what_the_store_has_lost_is_sent_again_with_all_behind_it() {
    for (number, harm) in [(1, "rm"), (2, "rm"), (3, "rm"), (2, "truncate -s 1000")] {
        let sandbox = Sandbox::new();
        let (mut subject, before) = cut(&sandbox);
        sandbox.sh(&format!("{harm} store/.upload-*.vol{number}.*")).silent();
        subject.goes_on_with("", &before, number - 1);
        subject.all_is_there();
    }
}

#[test]
fn a_set_that_another_archive_has_made_since_comes_first() {
    for kind in ["full", "inc"] {
        let sandbox = Sandbox::new();
        let mut subject = Subject::new(&sandbox, "--no-encryption");
        subject.goes_on("full", &Volumes::new());
        sandbox.sh("cp -a archive other").silent();
        subject.news();
        subject.cut(kind, 4_000_000).fails_with(4);
        let state = Snapshot::kept(subject.tree.root());
        // As from another machine, whose user clears nothing away.
        sandbox.sh("mkdir aside && mv store/.upload-* aside && sleep 1").silent();
        subject.moo().archive("other").backup("").silent();
        sandbox.sh("mv aside/.upload-* store && sleep 1").silent();
        let told = "which the archive directory does not know, so this backup is a full one";
        subject.moo().backup("").succeeds().one_message().stderr_has(told);
        assert_eq!(stored(&sandbox).len(), 3);
        assert!(find_all(sandbox.path("store"), ".upload-").is_empty());
        // Both copies of the archive directory have extended the first set.
        subject.moo().restore("").fails_with(3).one_message().stderr_has("a fork");
        assert_same(&state, &Snapshot::kept(sandbox.path("out")));
    }
}

#[test]
fn an_increment_that_is_asked_for_is_made_though_a_full_set_was_interrupted() {
    let sandbox = Sandbox::new();
    let mut subject = Subject::new(&sandbox, "--no-encryption");
    subject.goes_on("full", &Volumes::new());
    for (was, now) in [("full", "inc"), ("inc", "full")] {
        subject.news();
        subject.cut(was, 3_000_000).fails_with(4);
        let before = subject.waiting();
        subject.goes_on_with(now, &before, 0);
    }
    subject.all_is_there();
}

#[test]
fn a_run_that_was_killed_while_it_gave_names_goes_on_with_those_that_it_gave() {
    let sandbox = Sandbox::new();
    let mut subject = Subject::new(&sandbox, "--no-encryption");
    subject.cut("full", 4_000_000).fails_with(4);
    let before = subject.waiting();
    sandbox.sh("cd store && for f in .upload-*vol[12].*; do mv $f ${f#.upload-*-}; done").silent();
    subject.goes_on("", &before);
    subject.all_is_there();
}

#[test]
fn another_passphrase_under_the_same_options_makes_no_set_that_none_opens() {
    let sandbox = Sandbox::new();
    let options = "--passphrase-file pass";
    let mut subject = Subject::new(&sandbox, options).restored_with(options);
    for (was, now) in [("purr", "purr"), ("purr", "meow")] {
        fs::write(sandbox.path("pass"), was).unwrap();
        subject.cut("full", 3_000_000).fails_with(4);
        let before = subject.waiting();
        assert_eq!(before.len(), 2);
        fs::write(sandbox.path("pass"), now).unwrap();
        if was != now {
            let run = subject.moo().backup("full").fails_with(10).one_message();
            run.stderr_has("not the keys of the interrupted run");
        }
        subject.goes_on_with("full", &before, if was == now { 2 } else { 0 });
    }
}

#[test]
fn a_public_key_is_enough_to_go_on() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    key.export_secret(&sandbox, "secret.pgp", "");
    key.forget_secret(&sandbox);
    let mut subject = Subject::new(&sandbox, &format!("--encrypt-key {key}"))
        .restored_with("--secret-key secret.pgp");
    for kind in ["full", "inc"] {
        subject.news();
        subject.cut(kind, 3_500_000).fails_with(4);
        let before = subject.waiting();
        assert!(before.len() >= 2);
        subject.goes_on("", &before);
    }
}

#[test]
fn a_resumed_run_whose_stream_breaks_costs_no_volume_that_has_arrived() {
    let sandbox = Sandbox::new();
    let (mut subject, before) = cut(&sandbox);
    let broken = "\"$REAL\" \"$@\" | { head -c 600000; head -c 5000000 /dev/zero | tr '\\0' x; }";
    subject.shimmed("moo-encrypt", broken, "").fails_with(5).one_message();
    subject.goes_on("", &before);
    subject.all_is_there();
}
