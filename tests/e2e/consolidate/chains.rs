//! Chains that others have made or extended, and other keys.

use tests::peers::times;
use tests::{Duplicity, Key, Sandbox, Snapshot, Tree, assert_same, long};

use super::{consolidate, fulls};
use crate::moo::{Moo, second};

#[test]
fn a_chain_of_either_duplicity_becomes_a_set_that_is_the_same_to_all() {
    for new in [false, true] {
        let sandbox = Sandbox::new();
        let key = Key::open(&sandbox, "Moo <moo@example.org>");
        let stock = if new { Duplicity::new(&sandbox) } else { Duplicity::old(&sandbox) };
        let stock = stock.encrypt_to(&key);
        let tree = match new || long() {
            true => Tree::every_kind(sandbox.path("src")),
            false => Tree::small(sandbox.path("src")),
        };
        stock.full("src").succeeds();
        tree.noise("folder/other", 35_000);
        tree.mtime("folder/other", 1_700_000_099, 0);
        stock.increment("src").succeeds();
        let state = Snapshot::by_stock(tree.root());
        let options = format!("--encrypt-key {key}");
        consolidate(&sandbox, &options).silent();
        let sets = times(sandbox.path("store"));
        assert_eq!(second(&sandbox, &sets[2]), second(&sandbox, &sets[1]) + 1);
        stock.clone().archive("lost").restore("out").succeeds();
        assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
        let moo = Moo::new(&sandbox, &options);
        tree.noise("folder/new", 10);
        moo.option("--allow-source-mismatch").backup("inc").silent();
        let state = Snapshot::by_stock(tree.root());
        stock.archive("lost").restore("out").succeeds();
        assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
    }
}

#[test]
fn attributes_that_an_increment_of_duplicity_does_not_tell_stay_those_of_the_set_before() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    for name in ["a file", "folder/large", "folder", "link to be"] {
        if name != "folder" {
            tree.noise(name, 70_000);
        }
        tree.attribute(name, "user.moo", name.as_bytes());
    }
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    let stock = Duplicity::old(&sandbox).plain();
    let mtime = |name: &str, day: i64| tree.mtime(name, 1_700_000_000 + day, 0);
    for (name, day) in [("folder/large", 1), ("a file", 2), ("folder", 3)] {
        mtime(name, day);
    }
    tree.symlink("link to be", "a file");
    stock.increment("src").succeeds();
    mtime("folder/large", 9);
    stock.increment("src").succeeds();
    moo.restore("").silent();
    let state = Snapshot::of(sandbox.path("out"));
    let marked = state.lines().iter().filter(|line| line.contains("user.moo")).count();
    assert_eq!(marked, 3, "a file, a file in a folder, and that: {:?}", state.lines());
    sandbox.remove("out");
    consolidate(&sandbox, "--no-encryption").silent();
    moo.brings_back("now", &state);
}

#[test]
fn a_set_goes_from_a_passphrase_to_a_key_and_is_what_was_demanded() {
    let mut sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    sandbox.set("PASSPHRASE", "moo");
    Moo::new(&sandbox, "").backup("").silent();
    tree.noise("more", 10);
    Moo::new(&sandbox, "").backup("").silent();
    let state = Snapshot::kept(tree.root());
    sandbox.unset("PASSPHRASE");
    std::fs::write(sandbox.path("secret"), "moo\n").unwrap();
    consolidate(&sandbox, "").fails_with(6).one_message();
    consolidate(&sandbox, "--no-encryption --jobs none").fails_with(2).stderr_has("--jobs");
    consolidate(&sandbox, &format!("--encrypt-key {key} --passphrase-fd 3 3<secret")).silent();
    Moo::encrypted(&sandbox, &key).archive("lost").brings_back("now", &state);
    // Nobody has signed what is there, so nobody signs what comes of it.
    let sealed = format!("--encrypt-key {key} --seal-key {key}");
    consolidate(&sandbox, &sealed).fails_with(5).one_message();
    assert_eq!(fulls(&sandbox).len(), 2);
}

#[test]
fn the_name_of_the_set_is_a_second_that_has_passed_and_that_is_free() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    let first = times(sandbox.path("store")).remove(0);
    let next = second(&sandbox, &first) + 1;
    let next = sandbox.sh(&format!("date -u -d @{next} +%Y%m%dT%H%M%SZ")).succeeds().out();
    let volume = format!("store/duplicity-full.{}.vol1.difftar.gz", next.trim());
    std::fs::write(sandbox.path(&volume), "left by somebody").unwrap();
    // Who looks at it after that second is told of the set that is not whole.
    consolidate(&sandbox, "--no-encryption").succeeds().stdout_is("");
    let sets = times(sandbox.path("store"));
    assert_eq!(second(&sandbox, &sets[1]), second(&sandbox, &sets[0]) + 2);
    moo.brings_back("now", &Snapshot::kept(tree.root()));

    // A set of the future that the archive does not know is neither read nor in the way.
    let stock = || Duplicity::old(&sandbox).plain().option("--current-time 4000000000");
    tree.noise("more", 10);
    sandbox.sh("cp -r store before && cp -r archive other && cp -r archive prior").silent();
    stock().archive("other").increment("src").succeeds();
    let run = consolidate(&sandbox, "--no-encryption").succeeds();
    run.stderr_has("20961002T070640Z is unknown to the archive directory, and does not count");
    assert_eq!(times(sandbox.path("store")).len(), 4);

    // One that it knows is the newest state, which no set of today can follow.
    sandbox.sh("rm -r store archive && mv before store && mv prior archive").silent();
    stock().increment("src").succeeds();
    let files = tests::damage::find_all(sandbox.path("store"), "");
    let run = consolidate(&sandbox, "--no-encryption").fails_with(1);
    run.stderr_has("20961002T070640Z is dated later than this machine's clock");
    assert_eq!(tests::damage::find_all(sandbox.path("store"), ""), files);
}

#[test]
fn a_wrong_call_is_told_in_one_line() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    for call in ["moo consolidate", "moo consolidate a b", "moo consolidate --moo file:///x"] {
        sandbox.sh(call).fails_with(2).one_message();
    }
    consolidate(&sandbox, "--no-encryption").fails_with(10).one_message();
    Moo::plain(&sandbox).backup("").silent();
    let part = "moo-fetch --path folder file://$PWD/store | moo-decrypt | moo-replay";
    sandbox.sh(&format!("{part} | moo-sign | tar t")).one_message().stdout_has("failed.json");
    let whole = "moo-fetch file://$PWD/store | moo-decrypt | moo-replay | tar t";
    sandbox.sh(whole).succeeds().stdout_has("snapshot/link\nend.json");
    for wrong in ["moo-patch --moo", "moo-patch --check --force </dev/null"] {
        sandbox.sh(wrong).fails_with(2).one_message().stdout_is("");
    }
    sandbox.sh("moo-replay --force").fails_with(2).one_message().stdout_has("failed.json");
}
