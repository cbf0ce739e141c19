//! Stores that only grow: right files are added beside damaged ones.

use std::fs;

use tests::damage::{find, find_all};
use tests::sandbox::workspace;
use tests::sshd::Setup;
use tests::{Duplicity, Sandbox, Snapshot, Tree, assert_same};

use super::burst;
use crate::sftp::kit::Remote;

#[test]
fn a_store_that_only_grows_gets_right_files_beside_damaged_ones_and_comes_back() {
    let sandbox = Sandbox::new();
    let Some(sshd) = Setup::new(&sandbox).append_only().chroot(&["store"]) else { return };
    let remote = Remote::at(&sandbox, &sshd);
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 3_000_000);
    let words = "--volsize 1 --no-encryption --no-compression --parity 25";
    remote.backup_with("", words).silent();
    tree.noise("more", 20_000);
    remote.backup_with("inc", words).silent();
    let state = Snapshot::kept(tree.root());
    let stock = Snapshot::kept(tree.root()).as_stock();
    let folder = sshd.path("store");
    let full = find_all(&folder, "duplicity-full.");
    // A burst, a seal and a manifest that are damaged, a file that is missing, parity that is damaged.
    let volume = full.iter().find(|path| path.to_string_lossy().contains("vol1.")).unwrap();
    burst(volume, 5_000, 200_000);
    for path in find_all(&folder, ".seal").iter().chain(&find_all(&folder, "manifest")) {
        burst(path, 30, 30);
    }
    fs::remove_file(find(&folder, "duplicity-full-signatures")).unwrap();
    burst(&find_all(&folder, "parity.1")[1], 9_000, 50);
    let repair = format!("moo-repair {}", sshd.url("store"));
    let run = sandbox.sh(&repair).succeeds();
    assert!(run.out().contains(", added as moobacker."), "{}", run.out());
    // Again there is nothing to do.
    sandbox.sh(&repair).silent();
    remote.clone().archive("lost").brings_back("", &state);
    remote.brings_back("", &state);
    let check = format!("moo-check --sample 100% {}", sshd.url("store"));
    sandbox.sh(&check).silent();
    // What is beside can be damaged too.
    for path in &find_all(&folder, ".repaired.1.duplicity-full") {
        burst(path, 50, 50);
    }
    sandbox.sh(&repair).succeeds().stdout_has(".repaired.2.");
    remote.brings_back("", &state);
    // Without us.
    let rescue = workspace().join("pipelines/rescue.sh");
    let script = format!("sh {} {} out", rescue.display(), folder.display());
    sandbox.sh(&script).succeeds();
    assert_same(&stock, &Snapshot::by_stock(sandbox.path("out")));
    sandbox.remove("out");
    // duplicity looks for no other name, and needs a copy.
    let url = sshd.url("store");
    let copy = format!("moo-fetch --all {url} | moo-upload file://$PWD/copy | moo-commit");
    sandbox.sh(&copy).succeeds();
    assert!(find_all(sandbox.path("copy"), "repaired").is_empty());
    let peer = Duplicity::new(&sandbox).plain().store("copy").archive("foreign");
    peer.restore("out").succeeds();
    assert_same(&stock, &Snapshot::by_stock(sandbox.path("out")));
    // A backup goes on.
    remote.backup_with("inc", words).silent();
}
