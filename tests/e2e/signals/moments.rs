//! Signals at random moments.

use tests::Sandbox;

use super::kit::{Background, Moments, is_over, sandbox, timed};

const SIGNALS: [&str; 5] = ["KILL", "TERM", "INT", "HUP", "QUIT"];
/// How often each command is ended, by one signal after the other.
const TURNS: usize = 13;

fn backup(kind: &str) -> String {
    format!("moo backup {kind} --volsize 1 src file://$PWD/store")
}

/// Ends `command` after that time: it died of the signal, with one line, or came to its end before.
fn end(sandbox: &Sandbox, command: &str, signal: &str, after: std::time::Duration) {
    let run = Background::start(sandbox, command);
    std::thread::sleep(after);
    let ended = run.end(sandbox, signal);
    is_over(sandbox, &format!("{command} after SIG{signal} at {after:?}"));
    if ended.status == 0 {
        return;
    }
    let number = [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131), ("KILL", 137)];
    let number = number.iter().find(|(name, _)| *name == signal).unwrap().1;
    assert_eq!(ended.status, number, "after SIG{signal}: {:?}", ended.said);
    // Where the shell, or another early moment, was ended, there is no line yet.
    let most = usize::from(signal != "KILL");
    assert!(ended.said.len() <= most, "after SIG{signal}: {:?}", ended.said);
}

/// The next run needs no hand, and what it stores comes back.
fn next_run_works(sandbox: &Sandbox) {
    sandbox.sh(&backup("")).silent();
    let restore = "moo restore file://$PWD/store all && diff -r src all && rm -r all";
    sandbox.sh(restore).silent();
}

fn turns() -> impl Iterator<Item = &'static str> {
    SIGNALS.into_iter().cycle().take(TURNS)
}

#[test]
fn a_full_backup_that_is_ended_stored_its_set_seconds_later_and_stores_nothing_more() {
    let sandbox = sandbox();
    let mut moments = Moments::new(timed(&sandbox, &backup("full")));
    for signal in turns() {
        sandbox.sh("rm -rf store .home/.local").silent();
        end(&sandbox, &backup("full"), signal, moments.next());
        next_run_works(&sandbox);
    }
}

#[test]
fn an_increment_that_is_ended_stored_its_set_seconds_later_and_stores_nothing_more() {
    let sandbox = sandbox();
    sandbox.sh(&backup("full")).silent();
    sandbox.sh("for i in 1 2 3; do head -c 1M /dev/urandom >src/$i; done").silent();
    let mut moments = Moments::new(timed(&sandbox, &backup("inc")));
    for signal in turns() {
        sandbox.sh("for i in 1 2 3; do head -c 1M /dev/urandom >src/$i; done").silent();
        end(&sandbox, &backup("inc"), signal, moments.next());
        next_run_works(&sandbox);
    }
}

#[test]
fn a_restore_that_is_ended_made_its_destination_seconds_later_and_makes_none() {
    let sandbox = sandbox();
    sandbox.sh(&backup("full")).silent();
    let restore = "moo restore file://$PWD/store out";
    let mut moments = Moments::new(timed(&sandbox, restore));
    for signal in turns() {
        sandbox.sh("rm -rf out").silent();
        end(&sandbox, restore, signal, moments.next());
        sandbox.sh("test ! -e out || diff -r src out").silent();
        sandbox.sh("rm -rf out && moo restore file://$PWD/store out && diff -r src out").silent();
    }
}

#[test]
fn a_restore_by_force_that_is_ended_replaced_the_destination_and_leaves_it() {
    let sandbox = sandbox();
    sandbox.sh(&backup("full")).silent();
    let restore = "moo restore --force file://$PWD/store out";
    let mut moments = Moments::new(timed(&sandbox, restore));
    for signal in turns() {
        sandbox.sh("rm -rf out && mkdir out && echo mine >out/mine").silent();
        end(&sandbox, restore, signal, moments.next());
        sandbox.sh("grep -qx mine out/mine").silent();
        sandbox.sh(&format!("{restore} && grep -qx mine out/mine && rm out/mine")).silent();
        sandbox.sh("diff -r src out").silent();
    }
}
