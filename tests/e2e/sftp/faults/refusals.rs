//! A store that says no.

use std::path::Path;

use tests::damage::find_all;
use tests::peers::times;
use tests::sshd::{Action, Faults, Setup, Sshd};
use tests::{Duplicity, Sandbox, Snapshot, Tree, assert_same};

use super::upload::{again, is_as_before, prepare, upload};
use crate::mount::Mount;
use crate::sftp::kit::{Remote, temporary};

#[test]
fn a_set_that_could_not_be_named_to_its_end_troubles_nobody_after_the_next_run() {
    for kind in ["full", "inc"] {
        let sandbox = Sandbox::new();
        let faults = Faults::new(&sandbox);
        let sshd = Setup::new(&sandbox).faults(&faults).start();
        let remote = Remote::at(&sandbox, &sshd);
        let tree = Tree::small(sandbox.path("src"));
        remote.backup("").silent();
        for which in 1..=4 {
            let good = Snapshot::kept(tree.root());
            let before = times(sshd.path("store"));
            tree.noise(format!("news {which}"), 10_000);
            faults.calm();
            faults.inject("rename", which, Action::Status(4));
            remote.backup(kind).fails_with(7).one_message();
            assert_eq!(faults.hits(), 1);
            assert_eq!(times(sshd.path("store")), before);
            remote.clone().archive("lost").restore("").succeeds();
            // The volume is renamed first, and then the set exists.
            let state = if which == 1 { good } else { Snapshot::kept(tree.root()) };
            assert_same(&state, &Snapshot::kept(sandbox.path("out")));
            sandbox.remove("out");
            faults.calm();
            remote.backup("").silent();
            remote.brings_back("", &Snapshot::kept(tree.root()));
            assert!(temporary(sshd.path("store")).is_empty());
            assert_eq!(volumes_of_no_set(&sshd.path("store")), 0);
            for peer in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
                peer.plain().archive("lost").restore("out").succeeds();
                let state = Snapshot::by_stock(tree.root());
                assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
                sandbox.sh("rm -r out lost").silent();
            }
        }
    }
}

/// The number of volumes that no manifest speaks of.
fn volumes_of_no_set(store: &Path) -> usize {
    let sets = |part| {
        let files = find_all(store, part).into_iter();
        files.map(move |file| file.to_string_lossy().split(part).next().unwrap().to_owned())
    };
    let whole: Vec<_> = sets(".manifest").collect();
    sets(".vol").filter(|set| !whole.contains(set)).count()
}

#[test]
fn a_full_disk_at_the_store_is_told_and_the_next_run_succeeds_when_there_is_room() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    let Some(_mount) = Mount::new(&sandbox, "store", "6m") else { return };
    let remote = Remote::at(&sandbox, &sshd).tries(5, 20);
    remote.backup("").silent();
    let good = Snapshot::kept(tree.root());
    tree.noise("large", 8_000_000);
    let full = remote.backup_with("", "--no-encryption --volsize 1");
    full.fails_with(7).one_message().stderr_has("no space left at the store");
    let left = temporary(sshd.path("store"));
    assert!(left.iter().all(|name| name.contains(".vol")), "{left:?}: others than whole volumes");
    remote.clone().archive("lost").brings_back("", &good);
    sandbox.sh("mount -o remount,size=20m store").silent();
    remote.backup("").silent();
    remote.brings_back("", &Snapshot::kept(tree.root()));
}

#[test]
fn a_store_that_can_only_be_read_refuses_an_upload_and_serves_a_restore() {
    let sandbox = Sandbox::new();
    let sshd = Setup::new(&sandbox).options("-R").start();
    prepare(&sandbox);
    let url = sshd.url("store");
    let options = "--num-retries 5";
    upload(&sandbox, &url, options).fails_with(7).one_message().stderr_has("permission denied");
    is_as_before(&sandbox);
    sandbox.sh("rm -r store && cp -a after store").silent();
    let state = Snapshot::kept(sandbox.path("src"));
    Remote::at(&sandbox, &sshd).archive("lost").brings_back("", &state);
}

#[test]
fn a_file_system_that_has_become_read_only_refuses_an_upload() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    let Some(mount) = Mount::new(&sandbox, "store", "6m") else { return };
    let remote = Remote::at(&sandbox, &sshd);
    remote.backup("").silent();
    let good = Snapshot::kept(tree.root());
    tree.noise("news", 10_000);
    mount.read_only(true);
    remote.backup("").fails_with(7).one_message().stderr_has("read-only");
    remote.brings_back("", &good);
    mount.read_only(false);
    remote.backup("").silent();
    remote.brings_back("", &Snapshot::kept(tree.root()));
}

#[test]
fn a_folder_that_is_a_file_or_not_ours_is_refused() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    prepare(&sandbox);
    sandbox.sh("touch file").silent();
    for name in ["file", "file/below"] {
        again(&sandbox, &sshd.url(name), "").fails_with(7).one_message();
    }
    let Some(sshd) = Setup::new(&sandbox).chroot(&["theirs"]) else { return };
    sandbox.sh(&format!("mkdir -m 700 {}", sshd.path("ours").display())).silent();
    let run = again(&sandbox, &sshd.url("ours"), "").fails_with(7).one_message();
    run.stderr_has("permission denied");
}
