//! What a restore that was ended leaves beside its destination.

use std::fs;
use std::path::PathBuf;

use tests::Sandbox;
use tests::scale::scale;

use super::kit::{Background, Moments, hold, is_over, sandbox, timed, until};

const RESTORE: &str = "moo restore file://$PWD/store out";

/// The staging folders in the sandbox.
fn staging(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("/.out.moo-")).collect()
}

/// A store, and a restore that stays in the middle of it until there is a file `go`.
fn held() -> Sandbox {
    let mut sandbox = sandbox();
    sandbox.sh("moo backup src file://$PWD/store").silent();
    hold(&mut sandbox, "moo-patch", 2_300_000);
    sandbox
}

fn end_in_the_middle(sandbox: &Sandbox, command: &str, signal: &str) {
    let run = Background::start(sandbox, command);
    let inside = || staging(sandbox).iter().any(|folder| folder.join("tree/2").exists());
    until("a file in the staging folder", inside);
    assert_ne!(run.end(sandbox, signal).status, 0);
}

#[test]
fn a_restore_that_cannot_resume_leaves_no_folder_beside_its_destination() {
    let sandbox = held();
    for signal in ["TERM", "INT", "HUP", "QUIT"] {
        end_in_the_middle(&sandbox, &RESTORE.replace("restore", "restore --exclude 6"), signal);
        assert_eq!(staging(&sandbox), Vec::<PathBuf>::new(), "SIG{signal}");
        assert!(!sandbox.path("out").exists());
        is_over(&sandbox, signal);
    }
}

#[test]
fn the_folder_of_a_restore_that_was_killed_is_resumed_by_the_next_one_which_says_nothing() {
    let sandbox = held();
    end_in_the_middle(&sandbox, RESTORE, "KILL");
    is_over(&sandbox, "KILL");
    assert_eq!(staging(&sandbox).len(), 1);
    fs::write(sandbox.path("go"), "").unwrap();
    sandbox.sh(&format!("{RESTORE} && diff -r src out")).silent();
    assert_eq!(staging(&sandbox), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_that_version_0_1_0_left_beside_a_destination_is_named_and_stays() {
    let sandbox = sandbox();
    sandbox.sh("moo backup src file://$PWD/store").silent();
    // It has no mark, and may hold the only copy of what `--force` was to replace.
    let old =
        "mkdir -m 700 .out.moo-aB3xY9 && mkdir .out.moo-aB3xY9/tree .out.moo-aB3xY9/replaced &&
        echo mine >.out.moo-aB3xY9/replaced/mine";
    sandbox.sh(old).silent();
    let named = ".out.moo-aB3xY9: left by an interrupted restore of version 0.1.0";
    sandbox.sh(RESTORE).succeeds().stdout_is("").one_message().stderr_has(named);
    sandbox.sh("diff -r src out && grep -qx mine .out.moo-aB3xY9/replaced/mine").silent();
    // An empty one is nobody's loss, and another destination's none of this one's business.
    sandbox.sh("rm -r out .out.moo-aB3xY9/* && mkdir -p .other.moo-aB3xY9/tree").silent();
    sandbox.sh(RESTORE).silent();
    assert_eq!(staging(&sandbox), Vec::<PathBuf>::new());
    assert!(sandbox.path(".other.moo-aB3xY9/tree").exists());
}

#[test]
fn a_merge_that_is_ended_anywhere_is_finished_by_the_same_command() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "moo");
    let source = "mkdir src && cd src && for i in $(seq 60); do mkdir $i
        for j in $(seq 30); do echo $i $j >$i/$j; done; done";
    sandbox.sh(source).silent();
    sandbox.sh("moo backup src file://$PWD/store").silent();
    let merge = "moo restore --merge file://$PWD/store out";
    let old = "rm -rf out && mkdir out out/1 out/2 && echo mine >out/mine && echo old >out/1/1";
    sandbox.sh(old).silent();
    let mut moments = Moments::new(timed(&sandbox, merge));
    for turn in 0..scale(8, 60) {
        let signal = ["TERM", "KILL"][turn % 2];
        sandbox.sh(old).silent();
        let (run, after) = (Background::start(&sandbox, merge), moments.next());
        std::thread::sleep(after);
        let _ = run.end(&sandbox, signal);
        is_over(&sandbox, &format!("SIG{signal} at {after:?}"));
        sandbox.sh("grep -qx mine out/mine").silent();
        sandbox.sh(merge).silent();
        sandbox.sh("grep -qx mine out/mine && rm out/mine && diff -r src out").silent();
        assert_eq!(staging(&sandbox), Vec::<PathBuf>::new(), "SIG{signal} at {after:?}");
    }
}
