//! Restores of which much is there already: at the destination, or left by an interrupted restore.

mod differences;
mod interrupted;
mod owners;
mod rooms;
mod trees;

use std::collections::BTreeSet;
use std::path::Path;

use tests::damage::find_all;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;
use crate::part::{reads, volumes};

/// A plain store of a full set and two increments in many small volumes.
fn stored(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["a/one", "b/two", "c/three", "d/four"] {
        tree.noise(name, 2_300_000);
    }
    tree.noise("a/small", 3000);
    tree.noise("c/small", 300);
    tree.symlink("c/link", "three");
    tree.folder("c/empty");
    tree.mode("c", 0o711);
    let moo = Moo::plain(sandbox).option("--volsize 1");
    moo.backup("").silent();
    tree.edit("b/two", |content| content[1_000_000] ^= 1);
    tree.noise("a/new", 1000);
    moo.backup("").silent();
    tree.edit("d/four", |content| content.rotate_left(5));
    tree.remove("a/small");
    moo.backup("").silent();
    tree
}

/// A restore with these options into `out`.
fn restore(options: &str) -> String {
    format!("moo restore --archive-dir . --name archive {options} file://$PWD/store out")
}

/// The volumes that a silent restore with these options into `out` reads.
fn fetched(sandbox: &Sandbox, options: &str) -> BTreeSet<String> {
    volumes(&reads(sandbox, &restore(options))).into_iter().map(str::to_owned).collect()
}

/// How many volumes the store has.
fn all_volumes(sandbox: &Sandbox) -> usize {
    find_all(sandbox.path("store"), ".difftar").len()
}

/// What a restore into an empty folder gives.
fn whole(sandbox: &Sandbox) -> Snapshot {
    let whole =
        "rm -rf whole && moo restore --archive-dir . --name archive file://$PWD/store whole";
    sandbox.sh(whole).succeeds();
    Snapshot::kept(sandbox.path("whole"))
}

/// Which names are names of one file: a line for each file that has several.
fn links(folder: &Path) -> String {
    let list = format!(
        "cd '{}' && find . -type f -links +1 -printf '%i %p\\n' | sort |
            awk '$1 != last {{ printf \"\\n\" }} {{ last = $1; $1 = \"\"; printf \"%s\", $0 }}' | sort",
        folder.display()
    );
    Sandbox::new().sh(&list).out()
}

/// The destination is what a restore into an empty folder gives, links included, and nothing is left.
#[track_caller]
fn is_whole(sandbox: &Sandbox) {
    assert_same(&whole(sandbox), &Snapshot::kept(sandbox.path("out")));
    assert_eq!(links(&sandbox.path("whole")), links(&sandbox.path("out")));
    sandbox.sh("ls -A . out .tmp | grep moo-").fails_with(1);
}

/// The inodes and change times of the files in `out`: of what is not touched, both stay.
fn inodes(sandbox: &Sandbox) -> BTreeSet<String> {
    let list = "cd out && find . -type f -printf '%p %i %C@\\n'";
    sandbox.sh(list).succeeds().out().lines().map(str::to_owned).collect()
}
