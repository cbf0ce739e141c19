//! Where a restore goes to: what is there stays or is replaced as a whole, also by a restore that
//! is killed.

use tests::{Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

/// A small plain store.
fn small(sandbox: &Sandbox) -> Snapshot {
    let tree = Tree::small(sandbox.path("src"));
    tree.mode("", 0o750);
    Moo::plain(sandbox).backup("").silent();
    Snapshot::kept(tree.root())
}

fn to(sandbox: &Sandbox, dest: &str) -> Run {
    sandbox.sh(&format!("moo restore -- file://$PWD/store {dest}"))
}

#[test]
fn what_is_there_is_not_touched() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    sandbox.sh("mkdir full && echo moo >full/file && echo moo >file && mkdir empty && ln -s empty link && ln -s nowhere dangling").silent();
    let before = Snapshot::of(sandbox.path(""));
    for dest in ["full", "full/", "./full", "file", "link", "link/", "dangling", "$PWD/full"] {
        let run = to(&sandbox, dest).fails_with(2).one_message();
        run.stderr_has("already exists; use --merge");
    }
    for dest in [".", "..", "/", "full/.."] {
        to(&sandbox, dest).fails_with(2).one_message();
    }
    let left = |snapshot: Snapshot| snapshot.without(&[".", ".home", ".tmp", ".gnupg", ".run"]);
    assert_same(&left(before), &left(Snapshot::of(sandbox.path(""))));
}

#[test]
fn an_empty_or_missing_directory_becomes_the_tree() {
    let sandbox = Sandbox::new();
    let state = small(&sandbox);
    sandbox.sh("mkdir empty && mkdir -m 700 other").silent();
    for dest in [
        "empty",
        "other/",
        "new",
        "new/slash/",
        "./missing/parent/out",
        "$PWD/absolute",
        "\"with 'odd\nname\"",
        "-dash",
    ] {
        let dest = if dest.starts_with("new/") { "slash/" } else { dest };
        to(&sandbox, dest).silent();
    }
    for dest in [
        "empty",
        "other",
        "new",
        "slash",
        "missing/parent/out",
        "absolute",
        "with 'odd\nname",
        "-dash",
    ] {
        assert_same(&state, &Snapshot::kept(sandbox.path(dest)));
    }
    let long = "l".repeat(255);
    to(&sandbox, &long).silent();
    assert_same(&state, &Snapshot::kept(sandbox.path(long)));
    to(&sandbox, &"l".repeat(256)).fails_with(1).one_message();
}

#[test]
fn a_killed_restore_leaves_nothing_or_all_of_it_and_the_next_one_cleans_up() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::plain(&sandbox).option("--no-compression");
    moo.backup("").silent();
    let state = Snapshot::kept(tree.root());
    let mut absent = 0;
    for moment in [0, 10, 20, 40, 60, 80, 120, 200, 400] {
        let restore = "setsid sh -c 'exec moo restore file://$PWD/store out' & pid=$!";
        let kill = format!("sleep {}; kill -9 -$pid; wait", f64::from(moment) / 1000.0);
        let _ = sandbox.sh(&format!("{restore}; {kill}")).status;
        if sandbox.path("out").exists() {
            assert_same(&state, &Snapshot::kept(sandbox.path("out")));
            sandbox.remove("out");
        } else {
            absent += 1;
        }
    }
    assert!(absent > 2, "no restore was killed in time");
    sandbox
        .sh("mkdir .out.moo-abcdef .out.moo-notours .outmoo-abcdef && touch .out.moo-ABCDEF")
        .silent();
    moo.restore("").silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("out")));
    sandbox
        .sh("ls -dA .out*")
        .succeeds()
        .stdout_is(".out.moo-ABCDEF\n.out.moo-notours\n.outmoo-abcdef");
}

#[test]
fn the_staging_folder_of_a_restore_that_still_runs_is_left_alone() {
    let sandbox = Sandbox::new();
    let state = small(&sandbox);
    sandbox
        .sh("mkfifo pipe && { moo-fetch file://$PWD/store | moo-decrypt >stream; } && {
            { dd bs=4096 count=1 2>/dev/null; sleep 1; cat; } <stream >pipe & moo-patch out <pipe & } &&
            sleep 0.5 && ls -dA .out.moo-* >/dev/null &&
            { moo restore file://$PWD/store out; wait; true; }")
        .succeeds();
    assert_same(&state, &Snapshot::kept(sandbox.path("out")));
    sandbox.sh("ls -A | grep moo-").fails_with(1);
}
