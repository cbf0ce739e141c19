//! More than backup and restore out of the same stages: what their examples promise.

use tests::damage::find_all;
use tests::{Key, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

#[test]
fn a_lost_archive_is_made_again_from_the_store_and_extended() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let moo = Moo::encrypted(&sandbox, &key);
    let tree = Tree::every_kind(sandbox.path("src"));
    moo.days(&tree, 1);
    sandbox.sh("rm -r archive").silent();
    let sync = "moo-fetch --metadata file://$PWD/store | moo-decrypt |
        moo-upload file://$PWD/archive";
    sandbox.sh(sync).succeeds().stderr_is("");
    tree.day(2);
    let state = Snapshot::kept(tree.root());
    moo.backup("inc").silent();
    moo.brings_back("now", &state);
}

#[test]
fn a_store_is_copied_without_a_key_and_only_once() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    moo.days(&tree, 0);
    key.forget_secret(&sandbox);
    let copy = "moo-fetch --all file://$PWD/store | moo-upload file://$PWD/copy";
    sandbox.sh(copy).succeeds().stderr_is("");
    sandbox.sh("diff -r store copy").silent();
    let again = sandbox.sh(copy).succeeds();
    assert!(!again.out().contains("stored\":\""), "sent again: {}", again.out());
}

#[test]
fn a_dry_run_leaves_no_archive_behind_where_there_was_none() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    Moo::plain(&sandbox).option("--dry-run").backup("").succeeds().stdout_has("new      a file");
    sandbox.sh("test ! -e archive && test ! -e store").succeeds();
}

#[test]
fn what_an_interrupted_run_left_in_the_store_goes_with_the_next_run() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    sandbox
        .sh("touch store/.upload-0-duplicity-full.20200101T000000Z.vol7.difftar.gz store/.upload-x")
        .silent();
    moo.backup("").silent();
    let left = find_all(sandbox.path("store"), ".upload-");
    assert_eq!(left, [sandbox.path("store/.upload-x")], "that one is somebody else's");
}

#[test]
fn the_pipe_of_the_design_works_by_hand_without_an_archive() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    let state = Snapshot::kept(tree.root());
    let pipe = "moo-scan src | moo-sign | moo-delta | moo-pack --volsize 1 |
        moo-encrypt --no-encryption | moo-upload file://$PWD/store | moo-commit";
    sandbox.sh(pipe).silent();
    sandbox.sh("moo-fetch file://$PWD/store | moo-decrypt | moo-patch out").silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("out")));
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_stage_quietly() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 5_000_000);
    sandbox.sh("{ moo-scan src; echo $? >status; } | head -c 1000 >/dev/null").silent();
    sandbox.sh("cat status").succeeds().stdout_is("141");
}
