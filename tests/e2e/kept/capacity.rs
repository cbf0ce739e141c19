//! Attributes that are large, too large, or too many for the file system that is restored to.

use tests::{Sandbox, Snapshot, assert_same};

use crate::kept::is_root;
use crate::mount::Mount;

/// Fails unless the file system mounted on `disk` has room for attributes.
fn fill(sandbox: &Sandbox, count: usize) {
    let file = "mkdir disk/src && echo moo >disk/src/file && echo moo >disk/src/other";
    sandbox.sh(file).silent();
    let value = "head -c 49000 /dev/urandom | base64 -w 0 >value";
    for number in 0..count {
        let set = format!("setfattr -n trusted.{number} -v \"0s$(cat value)\" disk/src/file");
        sandbox.sh(&format!("{value} && {set}")).silent();
    }
}

#[test]
fn large_attributes_come_back() {
    let sandbox = Sandbox::new();
    let Some(_disk) = Mount::new(&sandbox, "disk", "50M").filter(|_| is_root()) else {
        return;
    };
    fill(&sandbox, 10);
    let folders = "moo backup --no-encryption --archive-dir . disk/src file://$PWD/store";
    sandbox.sh(folders).silent();
    sandbox.sh("moo restore --archive-dir . file://$PWD/store disk/out").silent();
    let state = Snapshot::kept(sandbox.path("disk/src"));
    assert!(state.lines().concat().len() > 490_000);
    assert_same(&state, &Snapshot::kept(sandbox.path("disk/out")));
}

#[test]
fn attributes_beyond_the_bound_are_told_of_and_the_file_is_kept() {
    let sandbox = Sandbox::new();
    let Some(_disk) = Mount::new(&sandbox, "disk", "50M").filter(|_| is_root()) else {
        return;
    };
    fill(&sandbox, 11);
    let backup = "moo backup --no-encryption --archive-dir . disk/src file://$PWD/store";
    for _ in 0..2 {
        let run = sandbox.sh(backup).fails_with(3).one_message();
        drop(run.stderr_has("disk/src/file: its extended attributes are more than 524288 bytes"));
    }
    sandbox.sh("moo restore --archive-dir . file://$PWD/store out && cat out/file").succeeds();
}

#[test]
fn a_file_system_without_attributes_gets_the_rest_and_one_line_tells() {
    let sandbox = Sandbox::new();
    if !is_root() || sandbox.sh("mkdir disk && mount -t ramfs none disk").status != 0 {
        tests::not_tried("no file system without attributes can be mounted here");
        return;
    }
    let made = "mkdir src src/folder && echo moo >src/a && echo moo >src/b && echo moo >src/c &&
        setfattr -n user.moo -v 1 src/a && setfattr -n trusted.moo -v 1 src/folder &&
        setfacl -m u:daemon:r src/b &&
        moo backup --no-encryption --archive-dir . src file://$PWD/store";
    sandbox.sh(made).silent();
    let run = sandbox.sh("moo restore --archive-dir . file://$PWD/store disk/out");
    let line = "moo restore: could not restore: extended attributes of 3 objects \
        (--verbosity info names them)";
    run.fails_with(3).stderr_is(line);
    sandbox.sh("diff -r src disk/out && stat -c %a:%y src/* >1").silent();
    sandbox.sh("cd disk/out && stat -c %a:%y * | sed 's|disk/out|src|' | diff - ../../1").silent();
    let named = sandbox.sh("moo restore -v info --archive-dir . file://$PWD/store disk/again");
    drop(named.fails_with(3).stderr_has("folder: not all extended attributes restored: "));
    sandbox.sh("umount disk").silent();
}
