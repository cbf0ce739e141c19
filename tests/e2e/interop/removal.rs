//! What duplicity removes from a store of ours, and what is left of it.

use tests::{Run, Sandbox, Snapshot, Tree};

use super::programs::{Moo, New, Old, Program, Who, all, sample};

/// Two chains of two sets each.
fn chains(sandbox: &Sandbox) -> (Tree, Vec<Snapshot>) {
    let tree = Tree::small(sandbox.path("src"));
    let mut states = Vec::new();
    for (day, kind) in ["full", "inc", "full", "inc"].iter().enumerate() {
        tree.noise(format!("day {day}"), 1000);
        states.push(Snapshot::by_stock(tree.root()));
        Program::new(sandbox, Moo, "--no-encryption").moo(kind, "src").silent();
    }
    (tree, states)
}

fn remove(sandbox: &Sandbox, who: Who, words: &str) -> Run {
    let peer = Program::new(sandbox, who, "--no-encryption").archive("theirs").duplicity();
    let (action, rest) = words.split_once(' ').unwrap();
    peer.run(action, &format!("{rest} --force file://{}", sandbox.path("store").display()))
}

#[test]
fn what_duplicity_has_removed_of_ours_is_gone_and_the_rest_is_whole() {
    for who in sample(&[Old, New], 14) {
        let sandbox = Sandbox::new();
        let (tree, mut states) = chains(&sandbox);
        let programs = all(&sandbox, "--no-encryption");
        remove(&sandbox, who, "remove-all-inc-of-but-n-full 1").succeeds();
        states.remove(1);
        programs[0].brings_back_all(&states);
        remove(&sandbox, who, "remove-all-but-n-full 1").succeeds();
        states.remove(0);
        programs[0].brings_back_all(&states);
        tree.noise("after", 1000);
        states.push(Snapshot::by_stock(tree.root()));
        programs[0].moo("", "src").succeeds();
        programs[0].brings_back_all(&states);
        let theirs = Program::new(&sandbox, who, "--no-encryption").archive("theirs");
        theirs.is_content("src");
    }
}
