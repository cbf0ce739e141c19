//! Runs that end just between two steps of their commit.

use std::fs;

use tests::damage::find_all;
use tests::{Duplicity, Key, Sandbox, Snapshot, Tree, assert_same};

use crate::captured::Pipe;
use crate::moo::{Moo, stored};

/// A backup whose last stage, which finishes the archive, never comes to its work.
fn without_commit(sandbox: &Sandbox, encrypt: &str) {
    let pipe = Pipe::backup().with("moo-encrypt", &format!("moo-encrypt {encrypt}"));
    sandbox.sh(&pipe.with("moo-commit", "cat >/dev/null").script()).silent();
}

#[test]
fn what_the_store_has_is_finished_in_the_archive_and_the_next_set_builds_on_it() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    key.export_secret(&sandbox, "secret.pgp", "");
    key.forget_secret(&sandbox);
    let moo = Moo::encrypted(&sandbox, &key).restore_option("--secret-key secret.pgp");
    let tree = Tree::small(sandbox.path("src"));
    let mut states = Vec::new();
    for day in 0..4 {
        tree.noise(format!("day {day}"), 1000);
        states.push(Snapshot::kept(tree.root()));
        if day % 2 == 0 {
            without_commit(&sandbox, &format!("--encrypt-key {key}"));
        } else {
            moo.backup("inc").silent();
        }
    }
    let times = stored(&sandbox);
    assert_eq!(times.len(), 4);
    moo.backup("inc").silent();
    for (time, state) in times.iter().zip(&states) {
        moo.brings_back(time, state);
    }
    assert_eq!(find_all(sandbox.path("archive"), ".manifest").len(), 5);
    assert_eq!(find_all(sandbox.path("archive"), ".seal").len(), 5);
    assert!(find_all(sandbox.path("archive"), ".part").is_empty());
    assert_eq!(find_all(sandbox.path("store"), "-full-sig").len(), 1, "one chain");
}

#[test]
fn an_archive_that_was_finished_by_half_is_finished() {
    for left in ["manifest", "manifest signatures", "manifest signatures seal"] {
        let sandbox = Sandbox::new();
        let tree = Tree::small(sandbox.path("src"));
        let moo = Moo::plain(&sandbox);
        moo.backup("").silent();
        tree.noise("news", 1000);
        without_commit(&sandbox, "--no-encryption");
        let reconcile = "mkdir parts && cp -a archive/. parts &&
            moo-fetch --receipts file://$PWD/store | moo-commit --reconcile --archive archive";
        sandbox.sh(reconcile).succeeds().stdout_is("current");
        // As it was before the parts were removed, and before what is not left was written.
        sandbox.sh("cp -a parts/.d*.part archive").silent();
        for (word, part) in [("manifest", "inc."), ("signatures", "new-sig"), ("seal", ".seal")] {
            if left.split(' ').any(|kept| kept == word) {
                continue;
            }
            fs::remove_file(find_all(sandbox.path("archive"), part).pop().unwrap()).unwrap();
        }
        moo.backup("inc").silent();
        moo.brings_back("now", &Snapshot::kept(tree.root()));
        assert_eq!(find_all(sandbox.path("archive"), ".manifest").len(), 3);
        assert!(find_all(sandbox.path("archive"), ".part").is_empty());
    }
}

#[test]
fn a_set_exists_from_the_time_when_all_its_volumes_have_their_names() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("full").silent();
    let (good, state) = (stored(&sandbox), Snapshot::kept(tree.root()));
    sandbox.sh("cp -a store good; cp -a archive known").silent();
    for (day, scan) in ["--incremental", "--full"].iter().enumerate() {
        tree.noise(format!("day {day}"), 1000);
        let newer = Snapshot::kept(tree.root());
        let scan = format!("moo-scan --archive archive {scan} src");
        let pipe = Pipe::backup().with("moo-scan", &scan).with("moo-commit", "cat >/dev/null");
        sandbox.sh(&pipe.script()).silent();
        let time = stored(&sandbox).pop().unwrap();
        // The names are given in this order: back to what stands before each.
        for part in [".manifest", ".seal", "signatures", ".vol1"] {
            let all = find_all(sandbox.path("store"), part);
            let file = all.into_iter().find(|file| file.to_string_lossy().contains(&time)).unwrap();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            fs::rename(&file, file.with_file_name(format!(".upload-0-{name}"))).unwrap();
            assert_eq!(stored(&sandbox), good);
            let now = if part == ".vol1" { &state } else { &newer };
            moo.brings_back("now", now);
            moo.brings_back(&good[0], &state);
            // Whoever cleans up has no archive directory.
            sandbox
                .sh("cp -a store before && moo-prune --leftovers --force file://$PWD/store")
                .silent();
            moo.brings_back("now", now);
            sandbox.sh("rm -r store && mv before store").silent();
            let old = Duplicity::old(&sandbox).plain().archive("lost");
            old.restore("out").succeeds();
            assert_same(&state.clone().as_stock(), &Snapshot::by_stock(sandbox.path("out")));
            sandbox.sh("rm -r out lost").silent();
            // The next run gives it its names.
            sandbox.sh("cp -a store before; cp -a archive unfinished").silent();
            moo.backup("").silent();
            moo.brings_back("now", &newer);
            let names = stored(&sandbox);
            assert_eq!(names.contains(&time), part != ".vol1", "{part}");
            assert!(find_all(sandbox.path("store"), ".upload-").is_empty(), "{part}");
            let script = "rm -r store archive; mv before store; mv unfinished archive";
            sandbox.sh(script).silent();
        }
        sandbox.sh("rm -r store archive; cp -a good store; cp -a known archive").silent();
    }
}

#[test]
fn a_full_set_that_was_only_half_named_troubles_no_duplicity_after_the_next_run() {
    for named in [1, 3] {
        let sandbox = Sandbox::new();
        let tree = Tree::small(sandbox.path("src"));
        let moo = Moo::plain(&sandbox).option("--volsize 1");
        moo.backup("full").silent();
        let good = Snapshot::by_stock(tree.root());
        tree.noise("news", 3_000_000);
        sandbox.sh("cp -a archive before").silent();
        moo.backup("full").silent();
        // As it is when the run is killed between two renames.
        let time = stored(&sandbox)[1].clone();
        let script = format!(
            "rm -r archive && mv before archive && cd store &&
            {{ ls -- *{time}.vol*; ls -- *{time}.* | grep -v vol; }} | tail -n +{} |
            while read -r file; do mv $file .upload-0-$file; done",
            named + 1
        );
        sandbox.sh(&script).silent();
        let volume = sandbox.path(format!("store/duplicity-full.{time}.vol1.difftar.gz"));
        assert!(volume.exists(), "the set shows");
        moo.restore("").succeeds();
        assert_same(&good, &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
        let state = Snapshot::by_stock(tree.root());
        moo.backup("").silent();
        assert!(find_all(sandbox.path("store"), &format!("full.{time}")).is_empty());
        for peer in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
            peer.plain().archive("lost").restore("out").succeeds();
            assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
            sandbox.remove("out");
        }
    }
}
