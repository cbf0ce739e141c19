//! A stage that fails, anywhere in a pipe: its status is that of the pipe, its message the only
//! one, and the store stays as it was.

use std::path::Path;

use tests::damage::find_all;
use tests::{Run, Sandbox, Snapshot, Tree, assert_same};

use crate::captured::Pipe;
use crate::moo::Moo;
use crate::mount::Mount;

/// A sandbox with a full set, and changes for an increment.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    Moo::plain(&sandbox).backup("full").silent();
    tree.noise("news", 3_000_000);
    sandbox
}

/// Runs a backup with another command in place of a stage. It stores nothing.
#[track_caller]
fn backup_with(sandbox: &Sandbox, stage: &str, command: &str) -> Run {
    unchanged(sandbox, &Pipe::backup().with(stage, command).script())
}

#[track_caller]
fn unchanged(sandbox: &Sandbox, script: &str) -> Run {
    let before = Snapshot::of(sandbox.path("store"));
    let run = sandbox.sh(script);
    if run.status != 0 {
        // The next run can go on with volumes that have arrived.
        let kept = |line: &String| line.starts_with(".upload-") && line.contains(".vol");
        let names = |snapshot: &Snapshot| {
            snapshot.lines().into_iter().skip(1).filter(|line| !kept(line)).collect::<Vec<_>>()
        };
        assert_eq!(names(&before), names(&Snapshot::of(sandbox.path("store"))));
    }
    run
}

#[test]
fn a_stage_that_is_called_wrongly_is_the_only_one_that_speaks() {
    let sandbox = prepared();
    for pipe in [Pipe::backup, Pipe::restore] {
        for name in pipe().names() {
            for words in ["--bogus", "--verbosity", "one two three"] {
                let script = pipe().with(name, &format!("{name} {words}")).script();
                let run = unchanged(&sandbox, &script).fails_with(2).one_message();
                run.stderr_has(&format!("{name}: ")).stderr_has("(see --help)");
            }
        }
    }
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_stage_that_is_killed_is_named_by_the_one_behind_it() {
    let sandbox = prepared();
    for pipe in [Pipe::backup, Pipe::restore] {
        let names = pipe().names();
        for (killed, behind) in names.iter().zip(&names[1..]) {
            let script = pipe().with(killed, ":").script();
            let run = unchanged(&sandbox, &script).fails_with(4).one_message();
            run.stderr_has(&format!("{behind}: "));
            // The shell has a word of its own to say about a kill.
            let script = pipe().with(killed, "sh -c 'kill -9 $$'").script();
            let run = unchanged(&sandbox, &script).fails_with(4);
            assert_eq!(run.err().lines().filter(|line| line.starts_with("moo-")).count(), 1);
        }
    }
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_stage_in_the_middle_that_ends_early_makes_the_last_one_fail() {
    let sandbox = prepared();
    for pipe in [Pipe::backup, Pipe::restore] {
        let names = pipe().names();
        for (cut, behind) in names.iter().zip(&names[1..]) {
            // Where receipts are cut, the set is stored already.
            for bytes in [100, 512, 2048, 3000].into_iter().filter(|_| *cut != "moo-upload") {
                let first = pipe().script();
                let command = first.split(" | ").find(|command| command.starts_with(cut)).unwrap();
                let script = pipe().with(cut, &format!("{command} | head -c {bytes}")).script();
                let run = unchanged(&sandbox, &script);
                run.fails_with(4).one_message().stderr_has(&format!("{behind}: "));
            }
        }
    }
}

#[test]
fn each_stage_fails_with_the_status_of_its_own_trouble() {
    let sandbox = prepared();
    sandbox.sh("touch file && mkdir bare").silent();
    for (stage, command, status) in [
        ("moo-scan", "moo-scan --archive archive nowhere", 1),
        ("moo-scan", "moo-scan --archive file src", 1),
        ("moo-scan", "moo-scan --archive bare --incremental src", 10),
        ("moo-delta", "moo-delta", 2),
        ("moo-delta", "moo-delta --archive nowhere", 1),
        ("moo-delta", "moo-delta --archive bare", 9),
        ("moo-pack", "moo-pack --archive nowhere", 1),
        ("moo-pack", "TMPDIR=/nowhere moo-pack", 1),
        ("moo-encrypt", "moo-encrypt", 6),
        ("moo-encrypt", "moo-encrypt --encrypt-key nobody@example.org", 6),
        ("moo-encrypt", "moo-encrypt --encrypt-key file", 6),
        ("moo-encrypt", "TMPDIR=/nowhere moo-encrypt --no-encryption", 1),
        ("moo-upload", "moo-upload file://$PWD/file", 7),
        ("moo-upload", "moo-upload file://$PWD/file/below", 7),
        ("moo-upload", "moo-upload file://$PWD/bare", 10),
        ("moo-upload", "moo-upload gopher://host/store", 2),
        ("moo-upload", "moo-upload /store", 2),
        ("moo-commit", "moo-commit --archive nowhere", 1),
    ] {
        let run = backup_with(&sandbox, stage, command).fails_with(status).one_message();
        run.stderr_has(&format!("{stage}: "));
    }
    Moo::plain(&sandbox).backup("inc").silent();
}

#[test]
fn each_stage_of_a_restore_fails_with_the_status_of_its_own_trouble() {
    let sandbox = prepared();
    sandbox.sh("touch file && mkdir bare").silent();
    for (stage, command, status) in [
        ("moo-fetch", "moo-fetch file://$PWD/nowhere", 10),
        ("moo-fetch", "moo-fetch file://$PWD/bare", 10),
        ("moo-fetch", "moo-fetch file://$PWD/file", 7),
        ("moo-fetch", "moo-fetch --time 2000-01-01 file://$PWD/store", 10),
        ("moo-fetch", "moo-fetch --time whenever file://$PWD/store", 2),
        ("moo-decrypt", "moo-decrypt --secret-key file", 6),
        ("moo-decrypt", "moo-decrypt --seal-key nobody@example.org", 6),
        ("moo-patch", "moo-patch store", 2),
        ("moo-patch", "moo-patch file/out", 1),
    ] {
        let script = Pipe::restore().with(stage, command).script();
        let run = unchanged(&sandbox, &script).fails_with(status).one_message();
        run.stderr_has(&format!("{stage}: "));
    }
    sandbox.sh(&Pipe::restore().script()).silent();
}

#[test]
fn the_pipeline_ends_with_the_status_of_its_failing_stage_and_one_message() {
    let sandbox = prepared();
    let moo = |options: &str, url: &str| {
        sandbox.sh(&format!("moo backup --archive-dir . --name archive {options} src {url}"))
    };
    moo("--encrypt-key nobody@example.org", "file://$PWD/store").fails_with(6).one_message();
    moo("--no-encryption", "gopher://host/store").fails_with(2).one_message();
    moo("--no-encryption", "file://").fails_with(2).one_message();
    moo("--no-encryption --verbosity much", "file://$PWD/store").fails_with(2).one_message();
    moo("--no-encryption --volsize 0", "file://$PWD/store").fails_with(2).one_message();
    sandbox.sh("touch file").silent();
    moo("--no-encryption", "file://$PWD/file").fails_with(7).one_message();
}

#[test]
fn a_store_that_is_full_or_read_only_refuses_and_keeps_its_last_set() {
    let sandbox = Sandbox::new();
    let Some(mount) = Mount::new(&sandbox, "store", "1m") else { return };
    let tree = Tree::small(sandbox.path("src"));
    let state = Snapshot::kept(tree.root());
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.noise("news", 3_000_000);
    for kind in ["full", "inc"] {
        let run = moo.backup(kind).fails_with(7).one_message().stderr_has("moo backup: ");
        run.stderr_has("no space left on device");
        clean(&sandbox.path("store"));
    }
    mount.read_only(true);
    moo.backup("").fails_with(7).one_message().stderr_has("read-only file system");
    moo.brings_back("now", &state);
    mount.read_only(false);
    tree.remove("news");
    moo.backup("").silent();
    moo.brings_back("now", &Snapshot::kept(tree.root()));
    assert_eq!(find_all(sandbox.path("store"), "-inc.").len(), 2, "an increment");
}

#[track_caller]
fn clean(store: &Path) {
    assert!(find_all(store, ".upload-").is_empty(), "temporary files are removed");
    assert_eq!(find_all(store, "").len(), 4, "volume, signatures, seal and manifest");
}

#[test]
fn an_archive_disk_that_is_full_fails_and_the_last_set_still_restores() {
    let sandbox = Sandbox::new();
    let Some(_mount) = Mount::new(&sandbox, "archive", "256k") else { return };
    let tree = Tree::small(sandbox.path("src"));
    let state = Snapshot::kept(tree.root());
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    sandbox.sh("head -c 1M /dev/zero >archive/filler 2>/dev/null; test -s archive/filler").silent();
    tree.noise("news", 1000);
    moo.backup("").fails_with(1).one_message().stderr_has("no space left on device");
    moo.restore("").silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("out")));
    sandbox.remove("out");
    sandbox.sh("rm archive/filler").silent();
    moo.backup("").silent();
    moo.brings_back("now", &Snapshot::kept(tree.root()));
}
