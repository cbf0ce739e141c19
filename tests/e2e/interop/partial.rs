//! Sets that one program has left unfinished, and another finds.

use tests::{Sandbox, Snapshot, Tree, long};

use super::programs::{Moo, New, Old, Program, Who, all};
use crate::moo::stored;

/// A tree whose first file is in the first volume, and which takes duplicity a while.
fn large(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a", 50_000);
    tree.noise("large", 6_000_000);
    tree.noise("z", 50_000);
    tree
}

/// Runs duplicity until it has stored two volumes more: the old one has an option for that, the
/// new one is killed as soon as its manifest tells of the second.
fn interrupted(program: &Program, sandbox: &Sandbox, action: &str) {
    let peer = program.duplicity().option("--volsize 1");
    let words = format!("src file://{}", sandbox.path("store").display());
    if program.who == Old {
        peer.option("--fail-on-volume 3").run(action, &words).fails();
        return;
    }
    let kill = format!(
        "exec 3>&2 2>/dev/null; setsid sh -c '{}' >said 2>&1 & group=$!
        until grep -q '^Volume 2' {}/*.manifest.part; do
            kill -0 $group || {{ cat said >&3; exit 1; }}
        done
        kill -9 -$group; wait $group; true",
        peer.script(action, &words),
        program.archive
    );
    sandbox.sh(&kill).succeeds();
}

/// An interrupted set of duplicity's, after a good one of ours or at first.
fn left_by(who: Who, action: &str, shared: bool) {
    eprintln!("left by {who:?}: {action}, shared archive: {shared}");
    let sandbox = Sandbox::new();
    let tree = large(&sandbox);
    let programs = all(&sandbox, "--no-encryption");
    let mut states = vec![Snapshot::by_stock(tree.root())];
    programs[0].full("src");
    tree.edit("large", |content| content.reverse());
    tree.mtime("large", 1_700_000_001, 0);
    let theirs = Program::new(&sandbox, who, "--no-encryption");
    let theirs = if shared { theirs } else { theirs.archive("theirs") };
    sandbox.sh("sleep 1.1").silent();
    interrupted(&theirs, &sandbox, action);
    sandbox.sh("sleep 1.1").silent();
    assert_eq!(stored(&sandbox).len(), 1, "the second set is not finished");
    let said = programs[0].restore("now").succeeds();
    assert!(said.err().contains("has no manifest"), "{}", said.err());
    tests::assert_same(&states[0], &Snapshot::by_stock(sandbox.path("out")));
    sandbox.remove("out");
    tree.edit("a", |content| content[7] ^= 1);
    tree.mtime("a", 1_700_000_002, 0);
    states.push(Snapshot::by_stock(tree.root()));
    programs[0].moo("", "src").succeeds();
    tree.edit("a", |content| content[9] ^= 1);
    tree.mtime("a", 1_700_000_003, 0);
    states.push(Snapshot::by_stock(tree.root()));
    // Whoever was interrupted goes on, without a hand: perhaps with its old set, which is not the
    // newest then.
    theirs.duplicity().increment("src").succeeds();
    sandbox.sh("sleep 1.1").silent();
    programs[0].moo("", "src").succeeds();
    let ours = Program::new(&sandbox, Moo, "--no-encryption").archive("lost");
    ours.restore("now").succeeds();
    tests::assert_same(&states[2], &Snapshot::by_stock(sandbox.path("out")));
    sandbox.remove("out");
    theirs.brings_back("now", &states[2]);
}

#[test]
fn what_an_interrupted_duplicity_has_left_hinders_neither_us_nor_it() {
    let mut cases = 0;
    for (number, who) in [Old, New].into_iter().enumerate() {
        for (second, action) in ["full", "incremental"].into_iter().enumerate() {
            for (third, shared) in [false, true].into_iter().enumerate() {
                if long() || (number + second + third) % 2 == 0 {
                    left_by(who, action, shared);
                    cases += 1;
                }
            }
        }
    }
    eprintln!("partial sets of duplicity: {cases} cases");
}

#[test]
fn a_set_that_duplicity_has_resumed_is_restored_and_not_built_on() {
    for who in [Old, New] {
        let sandbox = Sandbox::new();
        let tree = large(&sandbox);
        let programs = all(&sandbox, "--no-encryption");
        let theirs = Program::new(&sandbox, who, "--no-encryption");
        sandbox.sh("mkdir store").silent();
        interrupted(&theirs, &sandbox, "full");
        let first = Snapshot::by_stock(tree.root());
        theirs.duplicity().option("--volsize 1").full("src").succeeds();
        assert_eq!(stored(&sandbox).len(), 1);
        let repeated = "sed -n 's/^Volume //p' store/*manifest | sort | uniq -d | grep -q .";
        sandbox.sh(repeated).silent();
        programs[0].brings_back("now", &first);
        tree.noise("news", 1000);
        programs[0].moo("inc", "src").fails_with(10).one_message().stderr_has("resumed");
        let run = programs[0].moo("", "src").succeeds().one_message();
        run.stderr_has("resumed by duplicity: making a full set");
        let second = Snapshot::by_stock(tree.root());
        programs[0].brings_back("now", &second);
        theirs.brings_back("now", &second);
    }
}

#[test]
fn an_increment_of_ours_that_was_only_half_named_hinders_neither_duplicity_nor_us() {
    for who in [Old, New] {
        for left in ["manifest", "manifest seal", "manifest seal signatures"] {
            if !long() && (left == "manifest seal" || (who == Old) == (left == "manifest")) {
                continue;
            }
            half_named(who, left);
        }
    }
}

fn half_named(who: Who, left: &str) {
    eprintln!("left for {who:?}: without {left}");
    let sandbox = Sandbox::new();
    let tree = large(&sandbox);
    let programs = all(&sandbox, "--no-encryption");
    let mut states = vec![Snapshot::by_stock(tree.root())];
    programs[0].full("src");
    sandbox.sh("cp -a archive before").silent();
    tree.noise("news", 1000);
    programs[0].increment("src");
    let time = stored(&sandbox).pop().unwrap();
    sandbox.sh("rm -r archive && mv before archive").silent();
    for word in left.split(' ') {
        let hide = format!(
            "cd store && for file in *{word}*{time}* *{time}*{word}*; do
                if test -e $file; then mv $file .upload-0-$file; fi
            done"
        );
        sandbox.sh(&hide).silent();
    }
    assert_eq!(stored(&sandbox).len(), 1);
    let theirs = Program::new(&sandbox, who, "--no-encryption").archive("theirs");
    // The new one stumbles over a set without a manifest, as over one of its own, until the next
    // backup by anybody.
    if who == Old {
        theirs.brings_back("now", &states[0]);
    }
    tree.noise("more", 1000);
    states.push(Snapshot::by_stock(tree.root()));
    // The old one fails where two chains of signatures end in one second, also with its own.
    sandbox.sh("sleep 1.1").silent();
    // Without a word for the type: the old one makes a full set where signatures are in its way.
    let url = format!("src file://{}", sandbox.path("store").display());
    theirs.duplicity().run("", &url).succeeds();
    theirs.brings_back("now", &states[1]);
    tree.noise("most", 1000);
    states.push(Snapshot::by_stock(tree.root()));
    sandbox.sh("sleep 1.1").silent();
    programs[0].moo("", "src").succeeds();
    let restored = programs[0].restore("now");
    // All of the half-named set has arrived, so it is one, and duplicity's beside it is a fork.
    let is_fork = restored.status == 3 && restored.err().contains("a fork");
    assert!(restored.status == 0 || is_fork, "{}", restored.err());
    tests::assert_same(&states[2], &Snapshot::by_stock(sandbox.path("out")));
    sandbox.remove("out");
    for reader in &programs[1..] {
        reader.brings_back("now", &states[2]);
        sandbox.sh("rm -rf archive").silent();
    }
}
