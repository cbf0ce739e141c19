//! A backup that was interrupted and resumed: its signatures are of the second reading, its first
//! volumes of the first one.

use std::fs;

use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::restore;
use crate::interop::programs::{Moo, Old, Program};

/// A full set by duplicity, interrupted behind its second volume; then the file `a`, which is in
/// the first, changes, and the backup is resumed.
fn resumed(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a", 50_000);
    tree.noise("large", 4_000_000);
    let old = Program::new(sandbox, Old, "--no-encryption --volsize 1").duplicity();
    old.clone().option("--fail-on-volume 3").full("src").fails();
    change(&tree, 1);
    old.full("src").succeeds();
    tree
}

fn change(tree: &Tree, day: i64) {
    tree.edit("a", |content| content[9000 * usize::try_from(day).unwrap()] ^= 1);
    tree.mtime("a", 1_700_000_000 + day, 0);
}

#[test]
fn a_change_before_a_resumed_backup_was_lost_for_ever_and_is_stored_by_the_next_of_ours() {
    let sandbox = Sandbox::new();
    let tree = resumed(&sandbox);
    let moo = Program::new(&sandbox, Moo, "--no-encryption");
    // Of duplicity's set alone nobody can tell that it has the old content.
    restore(&sandbox, "").silent();
    assert!(fs::read(tree.path("a")).unwrap() != fs::read(sandbox.path("out/a")).unwrap());
    sandbox.remove("out");
    moo.moo("inc", "src").fails_with(10).one_message().stderr_has("resumed by duplicity");
    moo.moo("", "src").succeeds().one_message().stderr_has("making a full set");
    moo.brings_back("now", &Snapshot::by_stock(tree.root()));
    moo.moo("", "src").silent();
}

#[test]
fn a_delta_on_a_resumed_backup_spoiled_its_file_with_exit_0_and_we_make_none() {
    let sandbox = Sandbox::new();
    let tree = resumed(&sandbox);
    change(&tree, 2);
    sandbox.sh("cp -a store store.1 && cp -a archive archive.1").silent();
    let old = Program::new(&sandbox, Old, "--no-encryption");
    old.increment("src");
    old.restore("now").succeeds();
    let lost = fs::read(sandbox.path("out/a")).unwrap() != fs::read(tree.path("a")).unwrap();
    assert!(lost, "duplicity is not what it was: this story has ended");
    sandbox.sh("rm -r out store archive; mv store.1 store; mv archive.1 archive").silent();
    let moo = Program::new(&sandbox, Moo, "--no-encryption");
    moo.moo("", "src").succeeds().stderr_has("making a full set");
    for program in [moo, old] {
        program.brings_back("now", &Snapshot::by_stock(tree.root()));
    }
}

/// Ours is not resumed: what an interrupted run has left is under no name that counts, and the next
/// run reads all that it stores.
#[test]
fn a_change_between_an_interrupted_backup_of_ours_and_the_next_is_stored() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a", 50_000);
    tree.noise("large", 4_000_000);
    let stages = "moo-scan --archive archive src | moo-sign | moo-delta --archive archive |
        moo-pack --volsize 1 --archive archive | moo-encrypt --no-encryption | head -c 3000000 |
        moo-upload file://$PWD/store | moo-commit --archive archive";
    sandbox.sh(stages).fails_with(4);
    let moo = Program::new(&sandbox, Moo, "--no-encryption --volsize 1");
    for day in [1, 2] {
        change(&tree, day);
        moo.moo("", "src").silent();
        restore(&sandbox, "").silent();
        assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("out")));
        sandbox.remove("out");
    }
}
