//! A limit of processor time, at which the kernel ends a process.

use tests::Sandbox;

/// Commands whose stages work for longer than a second.
const LONG: [&str; 5] = [
    "backup full --no-encryption $A src $U",
    "restore $A $U out",
    "verify $A $U",
    "consolidate --no-encryption $A $U",
    "rekey --no-encryption $U file://$PWD/copy",
];

/// Commands that read no content.
const SHORT: [&str; 5] = [
    "status $A $U",
    "list $A $U",
    "verify --quick $A $U",
    "sync --archive-dir . --name got $U",
    "cleanup $A --force $U",
];

#[test]
fn a_stage_that_has_no_processor_time_left_was_killed_without_a_word_and_names_the_limit() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && truncate -s 6G src/holes && echo moo >src/small").silent();
    let set = "A='--archive-dir . --name archive'; U=file://$PWD/store; ";
    sandbox.sh(&format!("{set}moo backup --no-encryption $A src $U")).silent();
    for command in LONG {
        let run = sandbox.sh(&format!("sleep 1.1; {set}ulimit -t 2; moo {command}"));
        eprintln!("{command}: {} {}", run.status, run.err());
        assert!((1..=10).contains(&run.status), "{command}: {} {}", run.status, run.err());
        run.stderr_has("the limit of processor time is reached (ulimit -t)");
    }
    sandbox.sh("test ! -e out").silent();
    for command in SHORT {
        sandbox.sh(&format!("{set}ulimit -t 2; moo {command}")).succeeds();
    }
    sandbox.sh(&format!("{set}moo restore $A $U out && cmp src/small out/small")).silent();
    sandbox.sh("test $(stat -c %s out/holes) = 6442450944 && test $(du -k out/holes | cut -f 1) -lt 1000").silent();
}
