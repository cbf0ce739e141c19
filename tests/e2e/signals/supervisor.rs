//! What the supervisor does besides.

use tests::Sandbox;
use tests::scale::scale;

/// Runs `program` under moo-run in the background; `$run` is its process, `$child` the command's.
fn under_run(program: &str, then: &str) -> String {
    format!(
        "moo-run list sh -c 'echo $$ >child; {program}' >out 2>said & run=$!
        until test -s child; do sleep 0.01; done; child=$(cat child)
        alive() {{ grep -qs '^State:.[^ZX]' /proc/$1/status; }}
        {then}"
    )
}

#[test]
fn the_status_of_the_command_is_that_of_moo_run() {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-run list true").silent();
    sandbox.sh("moo-run list sh -c 'exit 5'").fails_with(5).stderr_is("");
    sandbox.sh("moo-run list sh -c 'kill -9 $$'").fails_with(137).stderr_is("");
    sandbox.sh("moo-run list nothing-of-that-name").fails_with(1).one_message();
    sandbox.sh("moo-run list sh -c 'echo $*' 0 -- -x --help").succeeds().stdout_is("-- -x --help");
    sandbox.sh("moo-run").fails_with(2).one_message();
}

#[test]
fn what_a_command_has_moved_to_another_session_is_killed_with_it() {
    let sandbox = Sandbox::new();
    let away = "setsid sh -c \"echo \\$\\$ >away; exec sleep 800\" & exec sleep 800";
    for signal in ["TERM", "KILL"] {
        let then = format!(
            "until test -s away; do sleep 0.01; done; kill -{signal} $run; wait $run 2>/dev/null
            i=0; while alive $child || alive $(cat away); do
                i=$((i + 1)); test $i -lt 500 || exit 1; sleep 0.01; done; rm child away"
        );
        sandbox.sh(&under_run(away, &then)).silent();
    }
}

#[test]
fn a_stopped_supervisor_pauses_the_command_and_a_continued_one_goes_on() {
    let sandbox = Sandbox::new();
    let then = "state() { sed -n 's/^State:.\\(.\\).*/\\1/p' /proc/$child/status; }
        kill -STOP $run; until test \"$(state)\" = T; do sleep 0.01; done
        kill -CONT $run; until test \"$(state)\" = S; do sleep 0.01; done
        kill -TERM $run; wait $run; test $? = 143 && grep -qx 'moo list: interrupted; .*' said";
    sandbox.sh(&under_run("exec sleep 800", then)).succeeds();
}

#[test]
fn a_command_whose_keeper_was_stopped_or_killed_ends_all_the_same() {
    let sandbox = Sandbox::new();
    let gone = "i=0; while alive $child; do
        i=$((i + 1)); test $i -lt 500 || exit 1; sleep 0.01; done; rm child";
    let stopped = format!(
        "kill -STOP $(pgrep -P $run); kill -TERM $run; wait $run; test $? = 143 || exit 1; {gone}"
    );
    sandbox.sh(&under_run("exec sleep 800", &stopped)).succeeds();
    let killed = format!("kill -KILL $(pgrep -P $run); wait $run; test $? = 137 || exit 1; {gone}");
    sandbox.sh(&under_run("sleep 800 & wait", &killed)).succeeds();
    // So it does when the command is killed, which then leaves its own family behind.
    let away = "setsid sh -c \"echo \\$\\$ >away; exec sleep 800\" & wait";
    let left = format!(
        "until test -s away; do sleep 0.01; done; kill -KILL $child; wait $run
        test $? = 137 || exit 1; child=$(cat away); {gone}"
    );
    sandbox.sh(&under_run(away, &left)).succeeds();
}

#[test]
fn a_stage_said_that_its_neighbour_had_gone_when_the_keeper_was_killed_and_is_silent() {
    let sandbox = Sandbox::new();
    let pipes =
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 800 | moo-sign & done; wait";
    let killed = "until test $(pgrep -x moo-sign -g 0 | wc -l) = 15; do sleep 0.01; done
        kill -KILL $(pgrep -P $run); wait $run; test $? = 137 || exit 1; cat said; rm child";
    for _ in 0..scale(10, 100) {
        sandbox.sh(&under_run(pipes, killed)).silent();
    }
}

#[test]
fn temporary_files_are_gone_with_the_command_however_it_ended() {
    let sandbox = Sandbox::new();
    let leave = "mkdir -p $TMPDIR/a/b; echo plain >$TMPDIR/a/b/c; chmod 0 $TMPDIR/a; ";
    sandbox.sh(&format!("moo-run list sh -c '{leave}' && ls -A .tmp")).silent();
    for signal in ["TERM", "KILL"] {
        let then = format!(
            "until test \"$(stat -c %a .tmp/moo-run.*/tmp/a)\" = 0; do sleep 0.01; done
            kill -{signal} $run; wait $run 2>/dev/null
            i=0; while test -n \"$(ls -A .tmp)\"; do
                i=$((i + 1)); test $i -lt 500 || exit 1; sleep 0.01; done; rm child"
        );
        sandbox.sh(&under_run(&format!("{leave} exec sleep 800"), &then)).succeeds();
    }
}

#[test]
fn temporary_files_that_a_crash_has_left_go_with_the_next_command() {
    let sandbox = Sandbox::new();
    let crashed = "mkdir -p .tmp/moo-run.abcdef/tmp .tmp/moo-run.other .tmp/elsewhere
        echo plain >.tmp/moo-run.abcdef/tmp/file; echo mine >.tmp/elsewhere/mine
        ln -s ../../elsewhere .tmp/moo-run.abcdef/tmp/link; ln -s elsewhere .tmp/moo-run.linked
        moo-run list true; ls .tmp; cat .tmp/elsewhere/mine";
    sandbox.sh(crashed).succeeds().stdout_is("elsewhere\nmoo-run.linked\nmoo-run.other\nmine");
}

#[test]
fn a_variable_that_outlived_its_lifeline_ends_no_stage() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    sandbox.sh(": | { MOO_LIFELINE=0:1 moo-scan src; } | tar t >/dev/null").silent();
    sandbox.sh("MOO_LIFELINE=nonsense moo-scan --version").succeeds();
}
