//! Sparse files.

use std::os::unix::fs::MetadataExt;

use tests::{Sandbox, Snapshot, Tree};

use crate::kept::stock_restores;
use crate::moo::{Moo, stored};

/// Bytes that the files of a folder take on disk.
fn on_disk(sandbox: &Sandbox, folder: &str) -> u64 {
    ["holes", "only", "small"]
        .map(|name| sandbox.path(folder).join(name).metadata().unwrap().blocks() * 512)
        .iter()
        .sum()
}

#[test]
fn holes_come_back_as_holes_and_take_no_room() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("full", 300_000);
    // Zeros that are stored stay stored.
    tree.file("zeros", &[0; 300_000]);
    let make = "cd src && truncate -s 30M holes only && truncate -s 5000 small &&
        printf moo | dd of=holes bs=1 seek=10000000 conv=notrunc status=none &&
        head -c 100000 full | dd of=holes bs=4096 seek=5000 conv=notrunc status=none";
    sandbox.sh(make).silent();
    let moo = Moo::plain(&sandbox);
    let mut states = vec![Snapshot::kept(tree.root())];
    moo.backup("").silent();
    let edit = "cd src && printf moo | dd of=holes bs=1 seek=25000000 conv=notrunc status=none &&
        truncate -s 31M only && printf moo >>only";
    sandbox.sh(edit).silent();
    states.push(Snapshot::kept(tree.root()));
    moo.backup("").silent();
    assert!(on_disk(&sandbox, "src") < 200_000, "the source is not sparse");
    for (time, state) in stored(&sandbox).iter().zip(&states) {
        moo.restore(&format!("--time {time}")).silent();
        tests::assert_same(state, &Snapshot::kept(sandbox.path("out")));
        assert!(on_disk(&sandbox, "out") < 200_000, "{}", on_disk(&sandbox, "out"));
        assert!(sandbox.path("out/zeros").metadata().unwrap().blocks() * 512 >= 300_000);
        sandbox.remove("out");
    }
    stock_restores(&sandbox, &states);
}

#[test]
fn holes_are_not_read() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && truncate -s 100M src/holes && echo moo >>src/holes").silent();
    let read = "strace -f -P $PWD/src/holes -e trace=pread64 -o calls moo-scan src >/dev/null &&
        grep -c 'pread64(.*= [1-9]' calls";
    sandbox.sh(read).succeeds().stdout_is("1");
}
