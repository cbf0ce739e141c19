//! What a command finds around it: the environment, the working directory, the limits.

mod names;
mod processor_time;
mod resources;

use tests::{Sandbox, Tree};

use crate::moo::Moo;
use crate::mount::Mount;

const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";

/// A user database that answers with what this line does, in `fake`.
fn database(sandbox: &Sandbox, line: &str) {
    let make = "mkdir fake; cat >fake/getent <<TEXT
#!/bin/sh
LINE
TEXT
chmod +x fake/getent";
    sandbox.sh(&make.replace("LINE", line)).silent();
}

#[test]
fn without_home_as_units_of_systemd_have_it_every_command_failed_and_each_works() {
    let mut sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    database(&sandbox, "echo \"x:x:0:0::$PWD/fake:/bin/sh\"");
    sandbox.unset("HOME").unset("XDG_STATE_HOME");
    let bare = "export PATH=$PWD/fake:$PATH; ";
    sandbox.sh(&format!("{bare} moo backup --no-encryption src file://$PWD/store")).silent();
    sandbox.sh("test -d fake/.local/state/moobacker").silent();
    sandbox.sh(&format!("{bare} moo restore file://$PWD/store out && diff -r src out")).silent();
    sandbox.sh(&format!("{bare} moo status file://$PWD/store")).succeeds();
}

#[test]
fn a_user_without_a_home_restores_and_reads_and_is_told_what_a_backup_needs() {
    let mut sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    sandbox.sh("moo backup --no-encryption src file://$PWD/store").silent();
    database(&sandbox, "exit 2");
    sandbox.unset("HOME").unset("XDG_STATE_HOME");
    let bare = "export PATH=$PWD/fake:$PATH; ";
    sandbox.sh(&format!("{bare} moo restore file://$PWD/store out && diff -r src out")).silent();
    sandbox
        .sh(&format!("{bare} moo status file://$PWD/store && moo list file://$PWD/store"))
        .succeeds();
    sandbox
        .sh(&format!("{bare} moo backup --no-encryption src file://$PWD/store"))
        .fails_with(2)
        .one_message()
        .stderr_has("set HOME, or give --archive-dir");
}

#[test]
fn from_a_working_directory_that_is_closed_absolute_paths_failed_and_work() {
    let sandbox = Sandbox::for_everybody();
    sandbox
        .sh("mkdir src closed u && echo moo >src/a && chmod 700 closed && chown 65534 u && chmod 755 src")
        .silent();
    let run = |command: &str| {
        format!(
            "W=$PWD; export HOME=$W/u XDG_STATE_HOME=$W/u/state TMPDIR=$W/u GNUPGHOME=$W/u/g
            cd closed && exec {NOBODY} {command}"
        )
    };
    let encrypted = "moo backup --no-encryption $W/src file://$W/u/store";
    sandbox.sh(&run(encrypted)).silent();
    sandbox.sh(&run("moo verify file://$W/u/store $W/src")).silent();
    sandbox.sh(&run("moo restore --no-restore-ownership file://$W/u/store $W/u/out")).silent();
    sandbox.sh("diff -r src u/out").silent();
    sandbox.sh(&run("moo backup --no-encryption src file://$W/u/store")).fails().one_message();
}

#[test]
fn from_a_working_directory_that_is_gone_absolute_paths_work() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    for command in [
        "moo backup --no-encryption $W/src file://$W/store",
        "moo restore file://$W/store $W/out && diff -r $W/src $W/out",
        "moo verify file://$W/store $W/src",
        "moo status file://$W/store >$W/status",
    ] {
        let run = sandbox.sh(&format!("W=$PWD; mkdir gone; cd gone; rmdir ../gone; {command}"));
        let run = run.succeeds().stdout_is("");
        // A shell complains when it starts there, before it has read a line of a script.
        assert!(run.err().lines().all(|line| line.contains("getcwd() failed")), "{}", run.err());
    }
    let relative = "mkdir gone; cd gone; rmdir ../gone; moo-scan src >/dev/null";
    sandbox.sh(relative).fails_with(1).one_message().stderr_has("src: no such file or directory");
}

#[test]
fn a_folder_for_temporary_files_that_is_missing_or_full_looked_like_a_broken_store_and_is_named() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a", 12_000_000);
    Moo::plain(&sandbox).backup("").silent();
    let backup = "moo backup --no-encryption src file://$PWD/other";
    let restore = "moo restore file://$PWD/store out";
    for command in [backup, restore] {
        let run = sandbox.sh(&format!("export TMPDIR=$PWD/nowhere; {command}"));
        drop(run.fails_with(1).one_message().stderr_has("TMPDIR (").stderr_has("/nowhere"));
    }
    let Some(_mount) = Mount::new(&sandbox, "small", "1m") else { return };
    let full = |command: &str| {
        let run = sandbox.sh(&format!("export TMPDIR=$PWD/small; {command}"));
        let run = run.fails_with(1).one_message();
        drop(run.stderr_has("TMPDIR (").stderr_has("/small").stderr_has("no space left on device"));
    };
    full(restore);
    sandbox.sh("ls -A small out 2>/dev/null").stdout_is("small:");
    // A full disk below the destination was told with a path of the backup alone.
    let run = sandbox.sh("moo restore file://$PWD/store small/out").fails_with(1).one_message();
    drop(run.stderr_has("small/out: a: no space left on device"));
    sandbox.sh("ls -A small").silent();
    full("moo verify file://$PWD/store src");
}

#[test]
fn a_chain_longer_than_the_limit_of_open_files_failed_for_ever_and_a_new_one_begins() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    let moo = Moo::plain(&sandbox);
    for number in 0..14 {
        sandbox.sh(&format!("echo {number} >src/b")).silent();
        moo.backup("").silent();
    }
    // 32 files are spare, and 13 are for sets.
    let limited = |command: &str| sandbox.sh(&format!("ulimit -n 45; {command}"));
    let backup = |kind: &str| {
        limited(&format!(
            "moo backup {kind} --archive-dir . --name archive --no-encryption src file://$PWD/store"
        ))
    };
    backup("inc").fails_with(1).one_message().stderr_has("ulimit -n");
    limited("moo-list --archive archive --time now").fails_with(1).stderr_has("ulimit -n");
    backup("").succeeds().one_message().stderr_has("making a full set");
    backup("").silent();
    limited("moo restore file://$PWD/store out && diff -r src out").silent();
    limited("moo verify file://$PWD/store src").silent();
}

#[test]
fn an_archive_and_temporary_files_inside_their_source_spoil_nothing() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("data/large", 3_000_000);
    sandbox.sh("mkdir src/tmp").silent();
    let inside = "export XDG_STATE_HOME=$PWD/src/state TMPDIR=$PWD/src/tmp;";
    for number in 0..3 {
        tree.noise("data/small", 1000 + number);
        let backup = "moo backup --no-encryption --volsize 1 src file://$PWD/store";
        sandbox.sh(&format!("{inside} {backup}")).silent();
        let restore = "moo restore file://$PWD/store out && diff -r src/data out/data";
        sandbox.sh(&format!("{inside} {restore} && rm -r out")).silent();
    }
}

#[test]
fn the_limits_of_the_caller_reached_roots_hooks_and_do_not() {
    let sandbox = Sandbox::new();
    let configuration = "remote file:///nowhere/store\nencrypt-key 0000\nsource a /etc\n";
    let hook = "before for l in f n s; do ulimit -$l; done >limits; exit 1\n";
    let configuration = format!("{hook}{configuration}");
    let configuration = configuration.replace("limits", &sandbox.path("limits").to_string_lossy());
    std::fs::write(sandbox.path("own.conf"), configuration).unwrap();
    let run = "chmod 600 own.conf; (ulimit -S -f 0; ulimit -S -n 12; ulimit -S -s 64
        backup.sh --config $PWD/own.conf --user nobody 2>/dev/null)
        sed '2d' limits; test $(sed -n 2p limits) -ge 1024";
    sandbox.sh(run).succeeds().stdout_is("unlimited\n8192");
}
