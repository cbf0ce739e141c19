//! A repair that is killed leaves nothing that hinders anybody, and the next one ends it.

use std::fs;

use tests::{Snapshot, assert_same};

use super::{Protected, burst};

#[test]
fn a_killed_repair_is_ended_by_the_next_one_wherever_it_was() {
    let store = Protected::new("20");
    let sandbox = &store.sandbox;
    let volume = store.file("vol2.");
    let name = volume.file_name().unwrap().to_string_lossy().into_owned();
    let right = fs::read(&volume).unwrap();
    let part = sandbox.path(format!("store/.upload-1.2.3-{name}"));
    // While it sends the right file; when that has arrived; when the damaged one is gone.
    for (sent, gone) in [(right.len() / 2, false), (right.len(), false), (right.len(), true)] {
        burst(&volume, 1_000, 1_000);
        fs::write(&part, &right[..sent]).unwrap();
        if gone {
            fs::remove_file(&volume).unwrap();
        }
        if sent == right.len() {
            // What is in its place is named.
            store.moo().archive("lost").restore("").succeeds();
            assert_same(&store.state, &Snapshot::kept(sandbox.path("out")));
            sandbox.remove("out");
        }
        store.repair().succeeds();
        assert!(fs::read(&volume).unwrap() == right);
        sandbox.sh("rm -f store/.upload-*").silent();
        store.is_whole();
    }
}

#[test]
fn a_repair_that_is_killed_at_any_moment_loses_nothing() {
    let store = Protected::new("20");
    let sandbox = &store.sandbox;
    for when in [".upload-.*vol1", ".upload-.*vol2", ".upload-.*parity"] {
        for part in ["vol1.", "vol2.", "parity.1"] {
            burst(&store.file(part), 10_000, 60_000);
        }
        let script = format!(
            "moo-repair file://$PWD/store >said 2>&1 & pid=$!
            while ! ls -A store | grep -q '{when}'; do kill -0 $pid 2>/dev/null || break; done
            kill -KILL $pid 2>/dev/null; wait $pid 2>/dev/null || :"
        );
        sandbox.sh(&script).succeeds();
        store.repair().succeeds();
        sandbox.sh("rm -f store/.upload-*").silent();
        store.is_whole();
        store.comes_back();
    }
}
