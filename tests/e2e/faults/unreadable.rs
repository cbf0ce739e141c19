//! A source that the user who backs it up may not read in full.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use rustix::process::geteuid;
use tests::{Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

/// A sandbox that belongs to an ordinary user, with programs that this one may run.
fn prepared() -> Option<Sandbox> {
    if !geteuid().is_root() {
        tests::not_tried("not root: what another user may not read");
        return None;
    }
    let sandbox = Sandbox::for_everybody();
    sandbox.sh("chown -R nobody .").silent();
    Some(sandbox)
}

/// A backup by that user.
fn backup(sandbox: &Sandbox) -> Run {
    sandbox.sh("exec setpriv --reuid nobody --regid nogroup --clear-groups \
            moo backup --archive-dir . --name archive --no-encryption src file://$PWD/store")
}

/// A tree of that user's.
fn tree(sandbox: &Sandbox) -> Tree {
    let tree = Tree::small(sandbox.path("src"));
    for name in ["closed/file", "closed/below/file", "listed/file", "secret", "z"] {
        tree.noise(name, 1000);
    }
    sandbox.sh("chown -R nobody:nogroup src").silent();
    tree
}

/// Takes something away from the user, without a change of its time.
fn withdraw(tree: &Tree, name: &str, mode: u32) {
    let path = tree.path(name);
    chown(&path, Some(0), Some(0)).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
}

fn restored(sandbox: &Sandbox) -> Snapshot {
    Moo::plain(sandbox).restore("").silent();
    let restored = Snapshot::kept(sandbox.path("out"));
    sandbox.remove("out");
    restored
}

#[test]
fn what_can_not_be_read_is_named_and_the_rest_is_stored() {
    let Some(sandbox) = prepared() else { return };
    let tree = tree(&sandbox);
    withdraw(&tree, "secret", 0o600);
    withdraw(&tree, "closed", 0o700);
    let run = backup(&sandbox).fails_with(3);
    run.stderr_is(
        "moo backup: src/closed: permission denied\nmoo backup: src/secret: permission denied",
    )
    .stdout_is("");
    let missing = ["secret", "closed/file", "closed/below"];
    assert_same(&Snapshot::kept(tree.root()).without(&missing), &restored(&sandbox));
}

#[test]
fn what_can_not_be_read_any_more_keeps_its_last_state_and_does_not_count_as_deleted() {
    let Some(sandbox) = prepared() else { return };
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    backup(&sandbox).silent();
    withdraw(&tree, "secret", 0o600);
    withdraw(&tree, "closed", 0o700);
    withdraw(&tree, "listed", 0o744);
    tree.remove("z");
    for _ in 0..2 {
        let run = backup(&sandbox).fails_with(3);
        run.stderr_is(
            "moo backup: src/closed: permission denied\nmoo backup: src/listed: permission denied\n\
             moo backup: src/secret: permission denied",
        );
        // Of the folders only their own mode and owner can be seen, and are.
        let seen = [".", "z", "closed", "listed"];
        let below = ["closed/file", "closed/below", "listed/file"];
        let found = restored(&sandbox);
        assert_same(&before.clone().without(&seen), &found.clone().without(&seen));
        for name in below {
            let only = |snapshot: &Snapshot| {
                let lines = snapshot.lines().into_iter();
                lines.filter(|line| line.starts_with(name)).collect::<Vec<_>>()
            };
            assert_eq!(only(&before), only(&found));
            assert!(!only(&found).is_empty());
        }
        assert!(!found.lines().iter().any(|line| line.starts_with("z ")), "z was deleted");
    }
    sandbox.sh("chown -R nobody:nogroup src && chmod 755 src/closed src/listed").silent();
    backup(&sandbox).silent();
    assert_same(&Snapshot::kept(tree.root()), &restored(&sandbox));
}
