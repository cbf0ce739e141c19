//! Two runs at once on one archive.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use rustix::process::Signal;
use tests::{Duplicity, Sandbox, Snapshot, Tree, assert_same};

use super::process::{Running, signal, until, until_stuck};
use crate::captured::Pipe;
use crate::moo::{Moo, stored};

/// A pipe that waits, with all its stages running, for a file `go`.
fn waiting_run(sandbox: &Sandbox) -> Running {
    let scan = "moo-scan --archive archive src | (until test -e go; do sleep 0.02; done; exec cat)";
    let script = Pipe::backup().with("moo-scan", scan).script();
    let mut running = Running::start(sandbox, &script);
    until_stuck(running.find("moo-scan").unwrap());
    running
}

#[test]
fn the_second_run_says_that_another_is_there_and_the_first_is_not_disturbed() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("large", 3_000_000);
    let moo = Moo::plain(&sandbox);
    for (day, kind) in [(1, "full"), (2, "inc")] {
        tree.edit("large", |content| content.reverse());
        tree.mtime("large", 1_700_000_000 + day, 0);
        let state = Snapshot::kept(tree.root());
        let first = waiting_run(&sandbox);
        let held = "another run has locked the archive directory";
        moo.backup("").fails_with(9).one_message().stderr_has(held);
        moo.backup("full").fails_with(9).one_message().stderr_has(held);
        let scan = "moo-scan --archive archive src >/dev/null";
        sandbox.sh(scan).fails_with(9).one_message().stderr_has(held);
        let duplicity = Duplicity::old(&sandbox).plain();
        duplicity.increment("src").fails();
        File::create(sandbox.path("go")).unwrap();
        assert!(first.wait().success(), "the first run, {kind}");
        moo.brings_back("now", &state);
        fs::remove_file(sandbox.path("go")).unwrap();
    }
    moo.backup("").silent();
    assert_eq!(stored(&sandbox).len(), 3, "nobody else has stored anything");
}

#[test]
fn a_run_that_another_has_followed_can_not_finish() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    // The first stage has ended, and so has its hold on the archive, before the others begin.
    sandbox.sh("mkdir archive && moo-scan --archive archive src >late").silent();
    moo.backup("").silent();
    let late = Pipe::backup().with("moo-scan", "cat late").script();
    sandbox.sh(&late).fails_with(9).one_message();
    moo.brings_back("now", &Snapshot::kept(tree.root()));
    assert_eq!(stored(&sandbox).len(), 1);
}

#[test]
fn while_duplicity_holds_the_archive_we_do_not() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.noise("news", 1000);
    let lock = sandbox.path("archive/lockfile").metadata().unwrap().ino();
    let script = "exec /usr/bin/duplicity incremental --archive-dir . --name archive \
        --no-encryption src file://$PWD/store";
    let mut duplicity = Running::start(&sandbox, script);
    // A program in Python goes by the interpreter's name, or by its own.
    let process = duplicity.find("duplicity").unwrap();
    until("duplicity holds its lock", || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains(&format!(":{lock} ")))
    });
    signal(process, Signal::STOP);
    moo.backup("")
        .fails_with(9)
        .one_message()
        .stderr_has("another run has locked the archive directory");
    signal(process, Signal::CONT);
    assert!(duplicity.wait().success());
    moo.backup("").silent();
    moo.restore("").silent();
    assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
}
