//! The harness itself: the trees, the comparison and the peers, with duplicity on both sides.

use tests::peers::times;
use tests::{Duplicity, Key, Sandbox, Snapshot, Tree, assert_same};

#[test]
fn a_snippet_runs_in_a_bare_sandbox_without_a_terminal() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("").canonicalize().unwrap();
    let folder = folder.to_string_lossy();
    let folder = folder.trim_end_matches('/');
    sandbox.sh("pwd -P").succeeds().stdout_is(folder);
    sandbox.sh("test ! -t 0 && cat && test -w \"$HOME\" && ! cat </dev/tty").succeeds();
    sandbox.sh("echo no >&2; exit 5").fails_with(5).stderr_is("no").one_message();
    sandbox.sh(":").silent();
}

#[test]
fn a_key_of_the_sandbox_encrypts_and_decrypts() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let both = format!("echo moo | gpg -q --batch --trust-model always -e -r {key} | gpg -q -d");
    sandbox.sh(&both).succeeds().stdout_is("moo");
    key.forget_secret(&sandbox);
    sandbox.sh(&both).fails();
}

#[test]
fn the_same_tree_is_made_twice_and_every_day_changes_it() {
    let sandbox = Sandbox::new();
    let (one, two) = (Tree::every_kind(sandbox.path("1")), Tree::every_kind(sandbox.path("2")));
    for day in 1..=3 {
        let before = Snapshot::of(one.root());
        assert_same(&before, &Snapshot::of(two.root()));
        one.day(day);
        two.day(day);
        assert!(before != Snapshot::of(one.root()));
    }
}

#[test]
#[should_panic(expected = "- a file file 0644")]
fn a_difference_of_one_byte_is_seen() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let before = Snapshot::of(tree.root());
    tree.edit("a file", |content| content[0] ^= 1);
    assert_same(&before, &Snapshot::of(tree.root()));
}

#[test]
fn the_new_duplicity_restores_each_state_that_the_old_one_stored() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let old = Duplicity::old(&sandbox).encrypt_to(&key).option("--volsize 1");
    let new = Duplicity::new(&sandbox).encrypt_to(&key).archive("lost");
    let tree = Tree::every_kind(sandbox.path("src"));
    let mut states = vec![Snapshot::by_stock(sandbox.path("src"))];
    old.full("src").succeeds();
    for day in 1..=2 {
        tree.day(day);
        states.push(Snapshot::by_stock(sandbox.path("src")));
        old.increment("src").succeeds();
    }
    let times = times(sandbox.path("store"));
    assert_eq!(times.len(), states.len());
    for (time, state) in times.iter().zip(&states) {
        new.restore_at(time, "out").succeeds();
        assert_same(state, &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
    }
}
