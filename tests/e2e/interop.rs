//! Sharing archives with duplicity, the old one and the newest.

use tests::damage::find_all;
use tests::peers::times;
use tests::{Duplicity, Key, Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::{Moo, stored};

mod archives;
mod dialects;
mod partial;
pub(crate) mod programs;
mod removal;
mod shapes;
pub(crate) mod signatures;
mod wrappings;

/// Both duplicities restore each state from our store, verify the last one against the source,
/// and find nothing to clean up.
fn is_read_by_stock(sandbox: &Sandbox, key: &Key, tree: &Tree, states: &[Snapshot]) {
    let expected = states.iter().map(|state| state.clone().as_stock());
    let expected: Vec<Snapshot> = expected.collect();
    let peers =
        [Duplicity::old(sandbox).archive("lost1"), Duplicity::new(sandbox).archive("lost2")];
    for peer in peers {
        let peer = peer.encrypt_to(key);
        for (time, state) in stored(sandbox).iter().zip(&expected) {
            peer.restore_at(time, "out").succeeds();
            assert_same(state, &Snapshot::of(sandbox.path("out")).as_stock());
            sandbox.remove("out");
        }
        peer.verify("src").succeeds().stdout_has(", 0 difference");
        let nothing = |run: Run| run.succeeds().stdout_has("No extraneous files found");
        nothing(peer.cleanup());
        peer.list().succeeds().stdout_has("same-second");
        peer.status().succeeds().stdout_has("No orphaned or incomplete backup sets found");
    }
    assert!(tree.root().exists());
}

#[test]
fn duplicity_old_and_new_restore_and_verify_every_state_of_ours() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    let tree = Tree::every_kind(sandbox.path("src"));
    let states = moo.days(&tree, 2);
    assert!(find_all(sandbox.path("store"), "vol").len() > 4);
    is_read_by_stock(&sandbox, &key, &tree, &states);
}

#[test]
fn a_chain_written_by_three_programs_in_turn_comes_back_at_each_of_its_states() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    let old = Duplicity::old(&sandbox).encrypt_to(&key).option("--volsize 1");
    let new = Duplicity::new(&sandbox).encrypt_to(&key).option("--volsize 1");
    let tree = Tree::every_kind(sandbox.path("src"));
    let mut states = Vec::new();
    for (day, writer) in (0..).zip(["old", "new", "moo", "old", "moo", "new"]) {
        if day > 0 {
            tree.day(day);
        }
        states.push(Snapshot::by_stock(tree.root()));
        match (writer, day) {
            ("old", 0) => drop(old.full("src").succeeds()),
            ("old", _) => drop(old.increment("src").succeeds()),
            ("new", _) => drop(new.increment("src").succeeds()),
            _ => drop(moo.backup("inc").silent()),
        }
    }
    assert_eq!(find_all(sandbox.path("store"), "-full-signatures").len(), 1);
    let lost = Moo::encrypted(&sandbox, &key).archive("lost");
    for (time, state) in times(sandbox.path("store")).iter().zip(&states) {
        lost.restore(&format!("--time {time}")).silent();
        assert_same(state, &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
    }
}

#[test]
fn duplicity_extends_a_chain_of_ours_and_we_extend_it_again() {
    for version in ["old", "new"] {
        let sandbox = Sandbox::new();
        let moo = Moo::plain(&sandbox);
        let peer =
            if version == "old" { Duplicity::old(&sandbox) } else { Duplicity::new(&sandbox) };
        let peer = peer.plain();
        let tree = Tree::every_kind(sandbox.path("src"));
        let mut states = vec![Snapshot::by_stock(tree.root())];
        moo.backup("full").silent();
        for day in 1..=3 {
            tree.day(day);
            states.push(Snapshot::by_stock(tree.root()));
            if day == 2 {
                moo.backup("inc").silent();
            } else {
                peer.increment("src").succeeds();
            }
        }
        for (time, state) in stored(&sandbox).iter().zip(&states) {
            moo.restore(&format!("--time {time}")).silent();
            assert_same(state, &Snapshot::by_stock(sandbox.path("out")));
            sandbox.remove("out");
            peer.restore_at(time, "out").succeeds();
            assert_same(state, &Snapshot::by_stock(sandbox.path("out")));
            sandbox.remove("out");
        }
    }
}

#[test]
fn signatures_of_md4_are_written_on_request_and_extended_by_both() {
    let sandbox = Sandbox::new();
    let moo = Moo::plain(&sandbox).option("--hash md4");
    let tree = Tree::small(sandbox.path("src"));
    moo.backup("full").silent();
    tree.edit("folder/large", |content| content[7] ^= 1);
    tree.mtime("folder/large", 1_700_000_007, 0);
    Duplicity::old(&sandbox).plain().increment("src").succeeds();
    tree.edit("folder/large", |content| content[9] ^= 1);
    tree.mtime("folder/large", 1_700_000_009, 0);
    moo.backup("inc").silent();
    moo.restore("").silent();
    assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
    let magic =
        "zcat store/duplicity-full-s* | tar xO signature/folder/large | head -c 4 | od -An -tx1";
    sandbox.sh(magic).succeeds().stdout_is("72 73 01 36");
}

#[test]
fn duplicitys_short_names_and_mixed_wrappings_are_restored() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::every_kind(sandbox.path("src"));
    let short = "--short-filenames";
    Duplicity::old(&sandbox).plain().option(short).full("src").succeeds();
    tree.day(1);
    Duplicity::old(&sandbox).encrypt_to(&key).option(short).increment("src").succeeds();
    tree.day(2);
    Duplicity::old(&sandbox).plain().option("--no-compression").increment("src").succeeds();
    let moo = Moo::plain(&sandbox).archive("lost");
    // A host without a key could have added what is not encrypted.
    moo.restore("").fails_with(5).stderr_has("is not encrypted");
    moo.restore("--allow-unprotected").silent();
    assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
}

#[test]
fn every_case_that_the_manual_tells_of_has_its_test() {
    let read =
        |path: &str| std::fs::read_to_string(tests::sandbox::workspace().join(path)).unwrap();
    let page = read("man/man5/moobacker-format.5");
    let (_, cases) = page.split_once(".SH WITH DUPLICITY, CASE BY CASE").unwrap();
    let (cases, _) = cases.split_once(".SH SEE ALSO").unwrap();
    let sources = Sandbox::new();
    let folder = tests::sandbox::workspace().join("tests/e2e");
    let all = sources.sh(&format!("grep -rhoE '^ *fn [a-z0-9_]+\\(\\)' {}", folder.display()));
    let all = all.succeeds().out();
    let named: Vec<&str> = cases
        .lines()
        .filter_map(|line| line.strip_prefix(".I "))
        .filter(|name| name.contains('_'))
        .collect();
    for name in &named {
        assert!(all.contains(&format!("fn {name}()")), "{name}: no such test");
    }
    assert!(named.len() > 40, "{} tests", named.len());
}
