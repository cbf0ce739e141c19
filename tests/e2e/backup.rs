//! The main job: full sets, increments, and each state back as it was.

use tests::damage::{find, find_all, remove};
use tests::{Key, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::{Moo, stored};

#[test]
fn every_kind_of_object_comes_back_to_the_nanosecond_with_the_archive_lost() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    let tree = Tree::every_kind(sandbox.path("src"));
    let states = moo.days(&tree, 3);
    sandbox.sh("rm -r archive").silent();
    for (time, state) in stored(&sandbox).iter().zip(&states) {
        moo.brings_back(time, state);
    }
    moo.brings_back("now", &states[3]);
}

#[test]
fn an_increment_needs_neither_the_secret_key_nor_anything_of_the_store() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    key.export_secret(&sandbox, "secret.pgp", "");
    key.export(&sandbox, "certificate.pgp");
    key.forget(&sandbox);
    let moo = Moo::new(&sandbox, "--encrypt-key certificate.pgp")
        .restore_option("--secret-key secret.pgp");
    let tree = Tree::small(sandbox.path("src"));
    let states = moo.days(&tree, 0);
    tree.edit("folder/large", |content| content[100_000] ^= 1);
    tree.mtime("folder/large", 1_700_000_001, 0);
    let state = Snapshot::kept(tree.root());
    moo.backup("inc").silent();
    moo.brings_back("now", &state);
    moo.brings_back(&stored(&sandbox)[0], &states[0]);
}

#[test]
fn a_small_change_of_a_large_file_is_a_small_volume() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 5_000_000);
    let moo = Moo::plain(&sandbox);
    moo.backup("full").silent();
    tree.edit("large", |content| content.insert(1_000_000, b'x'));
    moo.backup("inc").silent();
    let volumes = find_all(sandbox.path("store"), "-inc.");
    let sizes = volumes.iter().map(|file| file.metadata().unwrap().len());
    assert!(sizes.sum::<u64>() < 50_000);
    moo.brings_back("now", &Snapshot::kept(tree.root()));
}

#[test]
fn no_word_makes_a_full_set_first_and_increments_then() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("inc").fails_with(10).one_message().stderr_has("no chain to extend");
    moo.backup("").silent();
    moo.backup("").silent();
    tree.file("news", b"moo");
    moo.backup("").silent();
    moo.backup("full").silent();
    let fulls = find_all(sandbox.path("store"), "-full.2").len();
    assert_eq!((fulls, stored(&sandbox).len()), (4, 4), "two full sets of two files each");
}

#[test]
fn a_chain_that_is_old_enough_is_followed_by_a_full_set() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("full").silent();
    let young = Moo::plain(&sandbox).option("--full-if-older-than 1D");
    young.backup("").silent();
    assert_eq!(find_all(sandbox.path("store"), "-full-signatures").len(), 1);
    sandbox.sh("sleep 2").silent();
    let old = Moo::plain(&sandbox).option("--full-if-older-than=1s");
    old.backup("").silent();
    assert_eq!(find_all(sandbox.path("store"), "-full-signatures").len(), 2);
    let wrong = Moo::plain(&sandbox).option("--full-if-older-than soon");
    wrong.backup("").fails_with(2).one_message();
}

#[test]
fn the_same_content_changed_within_one_second_and_one_size_is_seen() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    tree.file("f", b"one");
    tree.mtime("f", 1_700_000_000, 1);
    moo.backup("").silent();
    tree.file("f", b"two");
    tree.mtime("f", 1_700_000_000, 2);
    let state = Snapshot::kept(tree.root());
    moo.backup("").silent();
    moo.brings_back("now", &state);
}

#[test]
fn a_change_of_size_within_one_second_is_seen_on_a_chain_of_duplicity_too() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("f", 5000);
    tree.mtime("f", 1_700_000_000, 0);
    tests::Duplicity::old(&sandbox).plain().full("src").succeeds();
    tree.noise("f", 6000);
    tree.mtime("f", 1_700_000_000, 0);
    let moo = Moo::plain(&sandbox);
    moo.backup("inc").silent();
    moo.restore("").silent();
    assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
}

#[test]
fn another_source_or_host_is_not_mixed_into_the_archive() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    Tree::small(sandbox.path("other"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    let other = "moo backup --archive-dir . --name archive --no-encryption";
    let url = "file://$PWD/store";
    sandbox
        .sh(&format!("{other} other {url}"))
        .fails_with(2)
        .one_message()
        .stderr_has("--allow-source-mismatch");
    sandbox.sh(&format!("{other} --allow-source-mismatch other {url}")).silent();
}

#[test]
fn a_dry_run_lists_what_would_be_stored_and_stores_nothing() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    let before = Snapshot::of(sandbox.path("store"));
    tree.file("news", b"moo");
    tree.edit("folder/other", Vec::clear);
    tree.remove("link");
    let dry = || Moo::plain(&sandbox).option("--dry-run").backup("").succeeds().stderr_is("");
    // A file that has lost its length but has its time may be of a file system that tells none.
    dry().stdout_is("reread   folder/other\ndeleted  link\nnew      news");
    tree.mtime("folder/other", 1_600_000_000, 0);
    dry().stdout_is("changed  folder/other\ndeleted  link\nnew      news");
    assert_same(&before, &Snapshot::of(sandbox.path("store")));
}

#[test]
fn statistics_are_printed_when_asked_for_and_only_then() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox).option("--stats");
    let run = moo.backup("").succeeds();
    run.stdout_has("NewFiles 6").stdout_has("Errors 0").stderr_is("");
    let quiet = Moo::plain(&sandbox).option("--verbosity error --no-print-statistics");
    quiet.backup("").silent();
}

#[test]
fn the_archive_is_by_default_in_the_state_folder_under_the_md5_of_the_url() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    sandbox.sh("moo backup --no-encryption src file://$PWD/store").silent();
    sandbox
        .sh("ls $XDG_STATE_HOME/moobacker/$(printf %s file://$PWD/store | md5sum | cut -c 1-32)")
        .succeeds()
        .stdout_has(".manifest");
    sandbox.sh("find $XDG_STATE_HOME/moobacker ! -perm 700 -a ! -perm 600").silent();
}

#[test]
fn a_single_file_is_a_source_too() {
    let sandbox = Sandbox::new();
    for size in [1000, 65_536, 300_000] {
        let tree = Tree::empty(sandbox.path("folder"));
        tree.noise("f", size);
        let url = "file://$PWD/store";
        let moo = "moo backup --archive-dir . --name archive --no-encryption folder/f";
        sandbox.sh(&format!("{moo} {url}")).silent();
        tree.edit("f", |content| content.insert(10, b'x'));
        sandbox.sh(&format!("{moo} {url}")).silent();
        sandbox.sh(&format!("moo restore {url} out && cmp folder/f out")).silent();
        sandbox.sh("rm -r folder store archive out").silent();
    }
}

#[test]
fn an_empty_folder_and_a_day_without_changes_are_backups() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    let state = Snapshot::kept(tree.root());
    for _ in 0..2 {
        moo.backup("").succeeds().one_message().stderr_has("src: contains nothing to back up");
    }
    for time in stored(&sandbox) {
        moo.brings_back(&time, &state);
    }
}

#[test]
fn sources_that_are_links_or_not_there_are_named() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir there && ln -s there src").silent();
    let moo = Moo::plain(&sandbox);
    moo.backup("").fails_with(2).one_message().stderr_has("src: is a symbolic link");
    sandbox.sh("rm src").silent();
    moo.backup("").fails_with(1).one_message().stderr_has("src: no such file");
    sandbox.sh("test ! -e store/*").succeeds();
}

#[test]
fn options_are_taken_before_and_behind_the_source_and_the_store() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("it's a =source"));
    let url = "file://$PWD/store";
    let backup = "moo backup --no-encryption \"it's a =source\" --archive-dir=.";
    sandbox.sh(&format!("{backup} {url} --name archive")).silent();
    sandbox.sh(&format!("moo restore {url} \"o'ut\n\" --time now --archive-dir .")).silent();
    assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("o'ut\n")));
    sandbox.sh("moo backup --no-encryption -- --no-such here").fails_with(2).one_message();
    sandbox.sh(&format!("moo backup src {url} --volsize")).fails_with(2).one_message();
}

#[test]
fn a_chain_whose_volume_was_gone_from_the_store_was_built_upon_in_silence() {
    for lost in ["vol1.", "seal", "signatures"] {
        let sandbox = Sandbox::new();
        let tree = Tree::empty(sandbox.path("src"));
        tree.noise("file", 100_000);
        let moo = Moo::plain(&sandbox);
        moo.backup("").silent();
        remove(find(sandbox.path("store"), lost));
        tree.noise("another", 100);
        let what =
            format!("the store has lost {}", if lost == "vol1." { "volume 1" } else { "the s" });
        moo.backup("").succeeds().one_message().stderr_has(&what);
        moo.brings_back("now", &Snapshot::kept(tree.root()));
        assert_eq!(
            find_all(sandbox.path("store"), "-full.").len(),
            if lost == "vol1." { 3 } else { 4 }
        );
        tree.noise("third", 100);
        moo.backup("").silent();
        moo.brings_back("now", &Snapshot::kept(tree.root()));
        assert_eq!(find_all(sandbox.path("store"), "-inc.").len(), 2, "an increment again");
    }
}
