//! Backups that live behind SFTP.

use std::fs;

use tests::damage::{find, find_all};
use tests::peers::times;
use tests::sshd::{Setup, Sshd};
use tests::{Duplicity, Key, Run, Sandbox, Snapshot, Tree, assert_same};

use super::kit::{Remote, temporary};

/// A full set and increments; each state as it was, with the time of its set.
fn three_days(remote: &Remote, tree: &Tree, store: &std::path::Path) -> Vec<(String, Snapshot)> {
    let mut states = Vec::new();
    tree.noise("changes", 300_000);
    for day in 0..3 {
        if day > 0 {
            tree.noise(format!("day {day}"), 100_000);
            tree.edit("changes", |file| file.extend(b"more"));
        }
        states.push(Snapshot::kept(tree.root()));
        remote.backup("").silent();
    }
    let times = times(store);
    assert_eq!(times.len(), 3);
    assert_eq!(find_all(store, "full-signatures").len(), 1, "one chain");
    times.into_iter().zip(states).collect()
}

fn all_come_back(remote: &Remote, states: &[(String, Snapshot)]) {
    for (time, state) in states {
        remote.brings_back(&format!("--time {time}"), state);
    }
}

#[test]
fn a_full_set_and_increments_come_back() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let remote = Remote::at(&sandbox, &sshd);
    let tree = Tree::every_kind(sandbox.path("src"));
    let states = three_days(&remote, &tree, &sshd.path("store"));
    all_come_back(&remote, &states);
    all_come_back(&remote.clone().archive("lost"), &states);
    assert!(temporary(sshd.path("store")).is_empty());
    // It is what a store on a disk would be.
    let local = "moo restore --archive-dir . --name lost file://$PWD/store out";
    sandbox.sh(local).silent();
    assert_same(&states[2].1, &Snapshot::kept(sandbox.path("out")));
}

#[test]
fn a_chroot_and_a_folder_that_only_grows_are_enough() {
    for append_only in [false, true] {
        let sandbox = Sandbox::new();
        let setup = Setup::new(&sandbox);
        let setup = if append_only { setup.append_only() } else { setup };
        let Some(sshd) = setup.chroot(&["store"]) else { return };
        let remote = Remote::at(&sandbox, &sshd);
        let tree = Tree::small(sandbox.path("src"));
        let states = three_days(&remote, &tree, &sshd.path("store"));
        all_come_back(&remote.clone().archive("lost"), &states);
        assert!(temporary(sshd.path("store")).is_empty());
    }
}

#[test]
fn what_an_interrupted_run_leaves_in_a_folder_that_only_grows_is_in_nobodys_way() {
    let sandbox = Sandbox::new();
    let Some(sshd) = Setup::new(&sandbox).append_only().chroot(&["store"]) else { return };
    let remote = Remote::at(&sandbox, &sshd);
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("large", 500_000);
    remote.backup("").silent();
    let url = sshd.url("store");
    let killed = format!(
        "sleep 1.1; moo-scan --full src | moo-sign | moo-delta | moo-pack | moo-encrypt --no-encryption |
        {{ head -c 200000; sleep 1; }} | moo-upload {url} >/dev/null"
    );
    sandbox.sh(&killed).fails_with(4);
    assert!(!temporary(sshd.path("store")).is_empty());
    tree.noise("news", 100_000);
    let state = Snapshot::kept(tree.root());
    remote.backup("").silent();
    remote.backup("full").silent();
    remote.clone().archive("lost").brings_back("", &state);
    assert_eq!(times(sshd.path("store")).len(), 3);
}

#[test]
fn a_folder_is_made_where_it_is_not_there_and_named_where_that_is_not_allowed() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    let remote = Remote::new(&sandbox, &sshd.url("new/deep/store"));
    remote.look().succeeds();
    remote.restore("").fails_with(10).one_message();
    assert!(!sandbox.path("new").exists(), "looking makes nothing");
    remote.backup("").silent();
    remote.brings_back("", &Snapshot::kept(tree.root()));
    let Some(sshd) = Setup::new(&sandbox).append_only().chroot(&["store"]) else { return };
    let remote = Remote::new(&sandbox, &sshd.url("elsewhere")).archive("other");
    remote
        .backup("")
        .fails_with(7)
        .one_message()
        .stderr_has(&format!("{}: permission denied", sshd.url("elsewhere")));
}

#[test]
fn a_store_is_copied_both_ways_and_goes_on_where_it_was_copied_to() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    let states = three_days(&Remote::at(&sandbox, &sshd), &tree, &sshd.path("store"));
    let (near, far) = (sandbox.url("near"), sshd.url("far"));
    let store = sshd.url("store");
    sandbox.sh(&format!("moo-fetch --all {store} | moo-upload {near} | moo-commit")).silent();
    sandbox.sh("diff -r store near").silent();
    sandbox.sh(&format!("moo-fetch --all {near} | moo-upload {far} | moo-commit")).silent();
    sandbox.sh("diff -r store far").silent();
    // Again, nothing is sent that is there.
    sandbox
        .sh(&format!("rm far/*manifest && moo-fetch --all {near} | moo-upload {far} | moo-commit"))
        .silent();
    sandbox.sh("diff -r store far").silent();
    let remote = Remote::new(&sandbox, &far);
    all_come_back(&remote, &states);
    tree.noise("more", 10_000);
    remote.backup("inc").silent();
    remote.brings_back("", &Snapshot::kept(tree.root()));
}

#[test]
fn an_encrypted_store_comes_back_and_a_relative_url_starts_where_the_login_does() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    let relative = format!("sftp://{}@127.0.0.1:{}/store", sshd.user(), sshd.port());
    let remote = Remote::new(&sandbox, &relative);
    remote.backup_with("", &format!("--encrypt-key {key} --volsize 1")).silent();
    remote.clone().archive("lost").brings_back("", &Snapshot::kept(tree.root()));
    Remote::at(&sandbox, &sshd).brings_back("", &Snapshot::kept(tree.root()));
    assert!(find(sshd.path("store"), "vol1.").to_string_lossy().ends_with(".gpg"));
}

#[test]
fn a_file_that_vanishes_or_shrinks_at_the_store_is_noticed() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let remote = Remote::at(&sandbox, &sshd).archive("lost");
    let _tree = Tree::small(sandbox.path("src"));
    remote.backup("").silent();
    let volume = find(sshd.path("store"), "vol1.");
    let whole = fs::read(&volume).unwrap();
    fs::write(&volume, &whole[..whole.len() / 2]).unwrap();
    remote.restore("").fails_with(5).one_message();
    fs::remove_file(&volume).unwrap();
    let run = remote.restore("").fails().one_message();
    assert!([5, 10].contains(&run.status), "{}", run.status);
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_limit_of_the_rate_holds() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("large", 2_000_000);
    let start = std::time::Instant::now();
    let remote = Remote::at(&sandbox, &sshd).option("--bwlimit 1000");
    remote.backup("").silent();
    let took = start.elapsed().as_secs_f64();
    assert!(took > 1.8, "{took}");
    let start = std::time::Instant::now();
    remote.brings_back("", &Snapshot::kept(tree.root()));
    let took = start.elapsed().as_secs_f64();
    assert!(took > 1.8, "{took}");
}

#[test]
fn stock_duplicity_restores_and_extends_what_is_behind_sftp_and_we_do_theirs() {
    let mut sandbox = Sandbox::new();
    let modules = sandbox.path("modules");
    sandbox.set("PYTHONPATH", modules);
    let sshd = Sshd::start(&sandbox);
    // The newest has an environment of its own; both talk to sftp through this module.
    sandbox
        .sh("mkdir modules && ln -s /usr/lib/python3/dist-packages/p[et][xy]p* modules")
        .silent();
    for old in [true, false] {
        let tree = Tree::small(sandbox.path("src"));
        let remote = Remote::at(&sandbox, &sshd);
        let url = sshd.url("store").replace("sftp://", "pexpect+sftp://");
        let peer = if old { Duplicity::old(&sandbox) } else { Duplicity::new(&sandbox) };
        let config = sandbox.path(".home/.ssh/config");
        let words = format!("--ssh-options '-F {}'", config.display());
        let peer = peer.plain().archive("theirs").option(&words);
        let same = |run: Run| {
            run.succeeds();
            assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
            sandbox.remove("out");
        };
        remote.backup("").silent();
        same(peer.run("restore", &format!("{url} out")));
        tree.noise("theirs", 100_000);
        peer.run("incremental", &format!("--allow-source-mismatch src {url}")).succeeds();
        same(remote.clone().archive("lost").restore(""));
        same(peer.run("restore", &format!("{url} out")));
        sandbox.sh("rm -r store theirs archive src").silent();
    }
}
