//! Sets that are incomplete, or that do not follow one another.

use std::fs;

use tests::damage::{find, find_all};
use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::{nothing_came_of_it, restore};
use crate::interop::programs::{Moo, New, Old, Program, Who, sample};
use crate::moo::stored;

/// A full set and two increments by one program.
fn three_sets(sandbox: &Sandbox, who: Who) -> Vec<Snapshot> {
    let tree = Tree::small(sandbox.path("src"));
    let by = Program::new(sandbox, who, "--no-encryption");
    let mut states = Vec::new();
    for day in 0..3 {
        tree.noise(format!("day {day}"), 1000);
        states.push(Snapshot::by_stock(tree.root()));
        if day == 0 { by.full("src") } else { by.increment("src") }
    }
    states
}

#[test]
fn without_its_signatures_the_newest_set_was_passed_over_in_silence_and_is_restored() {
    for who in sample(&[Moo, Old, New], 9) {
        let sandbox = Sandbox::new();
        let states = three_sets(&sandbox, who);
        let signatures = find_all(sandbox.path("store"), "new-signatures").pop().unwrap();
        fs::remove_file(signatures).unwrap();
        fs::rename(sandbox.path("archive"), sandbox.path("aside")).unwrap();
        if who != Moo {
            let peer = Program::new(&sandbox, who, "--no-encryption").archive("theirs");
            peer.brings_back("now", &states[1]);
        }
        let run = restore(&sandbox, "").succeeds();
        assert!(run.err().is_empty() || who == Moo, "{}", run.err());
        assert_same(&states[2], &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
        // The next one finds that it can't build on that, and makes a full set.
        fs::rename(sandbox.path("aside"), sandbox.path("archive")).unwrap();
        let moo = Program::new(&sandbox, Moo, "--no-encryption");
        moo.moo("", "src").succeeds().stderr_has("so this backup is a full one");
        moo.brings_back("now", &states[2]);
    }
}

#[test]
fn with_a_set_missing_in_the_middle_an_older_state_came_back_and_none_does() {
    for who in sample(&[Moo, Old, New], 10) {
        let sandbox = Sandbox::new();
        let states = three_sets(&sandbox, who);
        let times = stored(&sandbox);
        sandbox.sh(&format!("rm store/*.to.{}*", times[1])).silent();
        let run = restore(&sandbox, "").fails_with(5).one_message();
        run.stderr_has(&times[1]);
        nothing_came_of_it(&sandbox);
        restore(&sandbox, &format!("--time {}", times[0])).succeeds();
        assert_same(&states[0], &Snapshot::by_stock(sandbox.path("out")));
    }
}

#[test]
fn a_full_set_without_manifest_crashed_the_new_one_and_the_state_before_comes_back() {
    for who in sample(&[Old, New], 11) {
        let sandbox = Sandbox::new();
        let states = three_sets(&sandbox, who);
        let good = stored(&sandbox);
        Program::new(&sandbox, who, "--no-encryption").full("src");
        let time = stored(&sandbox).pop().unwrap();
        fs::remove_file(find(sandbox.path("store"), &format!("{time}.manifest"))).unwrap();
        let run = restore(&sandbox, "").succeeds().one_message();
        run.stderr_has("has no manifest");
        assert_same(&states[2], &Snapshot::by_stock(sandbox.path("out")));
        assert_eq!(stored(&sandbox), good);
    }
}

#[test]
fn two_full_sets_within_one_second_overwrote_each_other_and_are_two() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Program::new(&sandbox, Moo, "--no-encryption");
    let mut states = Vec::new();
    Program::new(&sandbox, Old, "--no-encryption").full("src");
    states.push(Snapshot::by_stock(tree.root()));
    for day in 0..3 {
        tree.noise(format!("day {day}"), 1000);
        states.push(Snapshot::by_stock(tree.root()));
        moo.full("src");
    }
    moo.brings_back_all(&states);
}

/// Two machines have made an increment on the same set.
#[test]
fn of_two_increments_on_one_set_the_first_came_back_as_the_set_before_and_is_named() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Program::new(&sandbox, Moo, "--no-encryption");
    let mut states = vec![Snapshot::by_stock(tree.root())];
    moo.full("src");
    sandbox.sh("cp -a store other; cp -a archive aside").silent();
    tree.noise("one", 1000);
    states.push(Snapshot::by_stock(tree.root()));
    moo.increment("src");
    sandbox.sh("mv store first && mv other store && rm -r archive && mv aside archive").silent();
    sandbox.sh("sleep 1.1").silent();
    tree.remove("one");
    tree.noise("two", 1000);
    states.push(Snapshot::by_stock(tree.root()));
    moo.increment("src");
    sandbox.sh("cp -an first/. store && rm -r archive").silent();
    let times = stored(&sandbox);
    assert_eq!(times.len(), 3);
    let peer = Program::new(&sandbox, New, "--no-encryption").archive("theirs");
    peer.brings_back(&times[1], &states[0]);
    restore(&sandbox, &format!("--time {}", times[1])).fails_with(5).stderr_has(&times[1]);
    nothing_came_of_it(&sandbox);
    for at in [0, 2] {
        restore(&sandbox, &format!("--time {}", times[at])).succeeds();
        assert_same(&states[at], &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
    }
}

/// The old one keeps such a chain, but removes its signatures from the store.
#[test]
fn a_chain_whose_signatures_were_removed_is_restored_and_followed_by_a_full_set() {
    for who in sample(&[Moo, Old], 12) {
        let sandbox = Sandbox::new();
        let mut states = three_sets(&sandbox, who);
        let theirs = Program::new(&sandbox, Old, "--no-encryption").archive("theirs").duplicity();
        let url = sandbox.url("store");
        sandbox.sh("sleep 1.1").silent();
        theirs.run("remove-older-than", &format!("now --force {url}")).succeeds();
        let gone = find_all(sandbox.path("store"), "signatures").is_empty();
        eprintln!("removed what it should not have: {gone}");
        for (time, state) in stored(&sandbox).iter().zip(&states) {
            restore(&sandbox, &format!("--time {time}")).succeeds();
            assert_same(state, &Snapshot::by_stock(sandbox.path("out")));
            sandbox.remove("out");
        }
        let moo = Program::new(&sandbox, Moo, "--no-encryption");
        sandbox.sh("echo news >src/news").silent();
        states.push(Snapshot::by_stock(sandbox.path("src")));
        moo.moo("", "src").succeeds();
        moo.brings_back("now", &states[3]);
    }
}
