//! A store with parity through its life: backups, checks, copies, deletion, and stock duplicity.

use std::fs;

use tests::damage::{find_all, flip};
use tests::{Duplicity, Key, Sandbox, Snapshot, Tree, assert_same};

use super::{Protected, REPAIR, burst};
use crate::moo::Moo;

#[test]
fn duplicity_restores_verifies_extends_and_cleans_up_a_store_with_parity() {
    for old in [true, false] {
        let store = Protected::new("10");
        store.sandbox.sh("touch -d 2001-02-03 src/large").silent();
        store.moo().backup("inc").silent();
        assert_eq!(find_all(store.sandbox.path("store"), ".parity.").len(), 2);
        store.sandbox.sh("rm -r whole && cp -r store whole").silent();
        let peer =
            if old { Duplicity::old(&store.sandbox) } else { Duplicity::new(&store.sandbox) };
        let peer = peer.plain().archive("foreign");
        peer.verify("src").succeeds();
        peer.restore("out").succeeds();
        let state = Snapshot::kept(store.sandbox.path("src")).as_stock();
        assert_same(&state, &Snapshot::by_stock(store.sandbox.path("out")));
        peer.run("cleanup", "--force file://$PWD/store").succeeds();
        store.is_whole();
        store.sandbox.sh("sleep 1.1 && echo more > src/more").silent();
        peer.increment("src").succeeds();
        peer.run("remove-all-but-n-full", "1 --force file://$PWD/store").succeeds();
        store.sandbox.sh("for file in whole/*; do cmp $file store/${file##*/}; done").silent();
        store.sandbox.sh(REPAIR).silent();
    }
}

#[test]
fn no_secret_key_is_needed_and_the_seal_key_is_demanded() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    sandbox.sh("moo-keygen --sign-only host >/dev/null").succeeds();
    let store =
        Protected::of(sandbox, "10", &format!("--encrypt-key {key} --seal-key host.secret.pgp"));
    let sandbox = &store.sandbox;
    sandbox.sh("mv .gnupg hidden; cat archive/seal-key 2>/dev/null || :").succeeds();
    for part in ["vol1.", "manifest", ".seal"] {
        burst(&store.file(part), 100, 300);
    }
    sandbox.sh(&format!("{REPAIR} --seal-key host.cert.pgp")).succeeds();
    store.is_whole();
    // A seal of somebody else is none.
    sandbox.sh("rm -r archive").silent();
    let other = "moo-repair --seal-key other.cert.pgp file://$PWD/store";
    sandbox.sh("moo-keygen --sign-only other >/dev/null").succeeds();
    flip(store.file("vol1."), 9);
    sandbox.sh(other).fails_with(5).stderr_has("its seal is damaged, and nothing rebuilds it");
}

#[test]
fn parity_is_checked_listed_copied_and_deleted_with_its_set() {
    let store = Protected::new("10");
    let sandbox = &store.sandbox;
    sandbox
        .sh("moo verify --quick --sample 100% --archive-dir . --name archive file://$PWD/store")
        .silent();
    sandbox.sh("moo status --archive-dir . --name archive file://$PWD/store").succeeds();
    let cleanup = "moo cleanup --archive-dir . --name archive file://$PWD/store";
    sandbox.sh(cleanup).stdout_is("nothing would go");
    sandbox
        .sh("moo replicate --archive-dir . --name archive file://$PWD/store file://$PWD/copy")
        .silent();
    sandbox.sh("diff -r store copy").silent();
    burst(&store.file("parity.1"), 70_000, 9);
    let check = "moo verify --quick --sample 100% --archive-dir . --name archive file://$PWD/store";
    sandbox.sh(check).fails_with(5).one_message().stderr_has(".parity.1: is damaged");
    store.repair().succeeds().stdout_has(".parity.1: made again");
    store.is_whole();
    sandbox.sh("sleep 1.1").silent();
    store.moo().backup("full").silent();
    sandbox
        .sh("moo prune --keep-full 1 --force --archive-dir . --name archive file://$PWD/store")
        .silent();
    assert_eq!(find_all(sandbox.path("store"), ".parity.").len(), 1);
    // Without its set, it is a leftover.
    sandbox.sh("cp whole/*.parity.1 store").silent();
    sandbox.sh(cleanup).succeeds().stdout_has(".parity.1");
    sandbox.sh(&format!("{cleanup} --force")).silent();
    assert_eq!(find_all(sandbox.path("store"), ".parity.").len(), 1);
}

#[test]
fn a_copy_under_other_keys_has_no_parity_until_it_is_added() {
    let store = Protected::new("10");
    let sandbox = &store.sandbox;
    sandbox.sh("moo rekey --no-encryption --archive-dir . --name archive file://$PWD/store file://$PWD/copy").silent();
    assert!(find_all(sandbox.path("copy"), ".parity.").is_empty());
    sandbox.sh("moo-repair file://$PWD/copy").silent();
    sandbox.sh("moo-repair --parity 5 file://$PWD/copy").succeeds().stdout_has(".parity.1: added");
    sandbox.sh("cp -r copy before").silent();
    for file in find_all(sandbox.path("copy"), "vol2.") {
        burst(&file, 5_000, 1_000);
    }
    sandbox.sh("moo-repair file://$PWD/copy").succeeds().stdout_has("vol2.");
    sandbox.sh("diff -r copy before").silent();
    sandbox.sh("moo-repair --parity 5 file://$PWD/copy").silent();
}

#[test]
fn volumes_of_an_interrupted_run_get_their_parity_afterwards() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 5_000_000);
    let moo = Moo::new(&sandbox, "--volsize 1 --parity 10 --no-encryption --no-compression");
    sandbox.sh("mkdir store").silent();
    let killed = "moo backup --archive-dir . --name archive --volsize 1 --parity 10 --no-encryption --no-compression \
        --bwlimit 100000 src file://$PWD/store & pid=$!
        while ! ls -A store | grep -q vol3; do kill -0 $pid 2>/dev/null || break; done; kill -TERM $pid; wait $pid || :";
    sandbox.sh(killed).succeeds();
    if find_all(sandbox.path("store"), "manifest")
        .iter()
        .any(|path| !path.to_string_lossy().contains(".upload-"))
    {
        // It was faster than we are.
        return;
    }
    let run = moo.backup("");
    assert_eq!(run.status, 0, "{}", run.err());
    let resumed = run.err().contains("no parity, because an interrupted run has stored");
    assert!(resumed || run.err().is_empty(), "{}", run.err());
    sandbox.sh("moo-repair --parity 10 file://$PWD/store").succeeds();
    let volumes = find_all(sandbox.path("store"), "vol");
    for path in volumes {
        let content = fs::read(&path).unwrap();
        burst(&path, 1_000, 500);
        sandbox.sh("moo-repair file://$PWD/store").succeeds();
        assert!(fs::read(&path).unwrap() == content);
    }
}
