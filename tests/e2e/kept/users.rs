//! Backups and restores by who is not root.

use tests::{Run, Sandbox, Snapshot, Tree, assert_same};

use crate::kept::is_root;

/// Runs a snippet in `home` as nobody, who is also in the group daemon.
fn as_nobody(sandbox: &Sandbox, script: &str) -> Run {
    let user = "setpriv --reuid nobody --regid nogroup --groups nogroup,daemon";
    sandbox.sh(&format!(
        "cd home && TMPDIR=$PWD XDG_STATE_HOME=$PWD {user} sh -c '{script}' && test ! -e .out.*"
    ))
}

/// A sandbox where nobody has a tree of his own, with all that he can make.
fn sandbox() -> (Sandbox, Tree) {
    let sandbox = Sandbox::for_everybody();
    sandbox.sh("mkdir home && chown nobody:nogroup home").silent();
    let tree = Tree::empty(sandbox.path("home/src"));
    tree.noise("file", 70_000);
    tree.noise("below/of group", 10);
    tree.hard_link("below/file", "file");
    tree.symlink("link", "file");
    sandbox.sh("chown -hR nobody:nogroup home && chgrp daemon home/src/below/*group").silent();
    tree.mode("below/of group", 0o2750);
    let lists = "setfattr -n user.moo -v 1 src/file src/below && setfacl -m u:daemon:r src/file &&
        setfacl -d -m g:daemon:rx src/below && truncate -s 10M src/sparse";
    as_nobody(&sandbox, lists).silent();
    (sandbox, tree)
}

#[test]
fn who_is_not_root_keeps_all_of_his_own_and_his_groups() {
    if !is_root() {
        return;
    }
    let (sandbox, tree) = sandbox();
    let backup = "moo backup --no-encryption src file://$PWD/store";
    as_nobody(&sandbox, backup).silent();
    tree.edit("file", |content| content.truncate(66_000));
    sandbox.sh("cd home && chown nobody:nogroup src/file && setfacl -k src/below").silent();
    as_nobody(&sandbox, backup).silent();
    as_nobody(&sandbox, "moo restore file://$PWD/store out").silent();
    let state = Snapshot::kept(tree.root());
    assert_same(&state, &Snapshot::kept(sandbox.path("home/out")));
    assert!(state.lines().concat().contains("posix_acl"));
    let links = "test out/file -ef out/below/file && test $(stat -c %b out/sparse) = 0";
    as_nobody(&sandbox, links).silent();
}

#[test]
fn of_what_is_anothers_one_line_tells_and_all_else_comes_back() {
    if !is_root() {
        return;
    }
    let (sandbox, tree) = sandbox();
    tree.char_device("null", 1, 3);
    tree.noise("daemons", 10);
    tree.owner("daemons", 1, 1);
    tree.mode("daemons", 0o6711);
    sandbox
        .sh("cd home/src && setfattr -h -n trusted.moo -v 1 link && chown -h root link")
        .silent();
    sandbox
        .sh("moo backup --no-encryption --archive-dir . home/src file://$PWD/home/store &&
            chmod -R a+rX home/store")
        .silent();
    let run = as_nobody(&sandbox, "moo restore file://$PWD/store out");
    let line = "moo restore: could not restore: the owner of 2 objects, extended attributes of \
        1 object, 1 device (run as root to restore them; --verbosity info names them)";
    drop(run.fails_with(3).stderr_is(line));
    let named = as_nobody(&sandbox, "moo restore -v info file://$PWD/store again");
    let named = named.fails_with(3).stderr_has("daemons: owner not restored");
    drop(
        named
            .stderr_has("null: device not restored")
            .stderr_has("link: not all extended attributes restored"),
    );
    // The group is one of his own, so the bit that goes with it stays.
    let found = "stat -c %U:%G:%a home/out/daemons";
    sandbox.sh(found).succeeds().stdout_is("nobody:daemon:2711");
    let left_out = ["null", "link", "daemons"];
    let state = Snapshot::kept(tree.root()).without(&left_out);
    assert_same(&state, &Snapshot::kept(sandbox.path("home/out")).without(&left_out));
    let silent = as_nobody(
        &sandbox,
        "rm -r out; moo restore --no-restore-ownership \
        file://$PWD/store out",
    );
    let line = "moo restore: could not restore: extended attributes of 1 object, 1 device \
        (run as root to restore them; --verbosity info names them)";
    drop(silent.fails_with(3).stderr_is(line));
}
