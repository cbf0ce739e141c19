//! Disks that have no room for a second copy.

use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::restore;
use crate::moo::Moo;
use crate::mount::Mount;

#[test]
fn a_tree_that_is_mostly_right_is_restored_on_a_disk_without_room_for_a_second_copy() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    for number in 0..30 {
        tree.noise(format!("{number}"), 1_000_000);
    }
    Moo::plain(&sandbox).option("--volsize 1").backup("").silent();
    let Some(_mount) = Mount::new(&sandbox, "disk", "36m") else { return };
    sandbox.sh("cp -a src disk/out && ln -s disk/out out").silent();
    let ruin = "for i in 3 4 29; do head -c 1000000 /dev/zero >disk/out/$i; done; rm disk/out/17";
    sandbox.sh(ruin).silent();
    let merge = restore("--merge").replace("store out", "store disk/out");
    let free = "moo-fetch file://$PWD/store | moo-decrypt | moo-patch --merge disk/out";
    let whole = sandbox.sh(free);
    let merged = sandbox.sh(&merge);
    let found = Snapshot::kept(sandbox.path("disk/out"));
    let left = sandbox.sh("ls -A disk");
    whole.fails_with(1).stderr_has("no space left");
    merged.silent();
    assert_same(&Snapshot::kept(sandbox.path("src")), &found);
    left.stdout_is("out");
}

#[test]
fn a_large_file_comes_back_through_its_increments_without_room_for_a_second_one() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("image", 20_000_000);
    tree.noise("shifted", 2_000_000);
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    for day in 1..5_usize {
        tree.edit("image", |content| {
            content[day * 3_000_000..][..5000].fill(day as u8);
            content.extend([day as u8; 1000]);
        });
        tree.edit("shifted", |content| drop(content.drain(day..day + 10)));
        moo.backup("").silent();
    }
    let state = Snapshot::kept(tree.root());
    let Some(_mount) = Mount::new(&sandbox, "disk", "28m") else { return };
    let restored = sandbox.sh(&restore("").replace("store out", "store disk/out"));
    let found = Snapshot::kept(sandbox.path("disk/out"));
    restored.silent();
    assert_same(&state, &found);
}
