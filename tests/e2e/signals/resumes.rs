//! What the last line of an interrupted backup promises.

use std::fs;

use tests::Sandbox;

use super::kit::{Background, hold, processes, sandbox, until};

const BACKUP: &str = "moo backup full --volsize 1 src file://$PWD/store";

/// Interrupts a backup once that volume has arrived.
fn interrupt(sandbox: &Sandbox, signal: &str, volume: u64) -> Vec<String> {
    let run = Background::start(sandbox, BACKUP);
    until("the volume", || run.note(sandbox) == volume.to_string());
    run.end(sandbox, signal).said
}

#[test]
fn the_last_line_of_an_interrupted_backup_names_the_volume_after_which_the_next_run_resumes() {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-upload", 2_300_000);
    let said = interrupt(&sandbox, "TERM", 2);
    assert_eq!(said, ["moo backup: interrupted; the next run resumes after volume 2"]);
    // What the next run keeps is what the line has named.
    let vol = |number| format!("store/*.vol{number}.difftar.gpg store/.*vol{number}.difftar.gpg*");
    let look = format!("ls -i {} {} 2>/dev/null; true", vol(1), vol(2));
    let kept = sandbox.sh(&look).out();
    assert_eq!(kept.lines().count(), 2, "{kept}");
    let numbers = |names: &str| -> Vec<String> {
        names.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    };
    // The next one begins where that one was, and gets no further.
    let said = interrupt(&sandbox, "INT", 4);
    assert_eq!(said, ["moo backup: interrupted; the next run resumes after volume 4"]);
    fs::write(sandbox.path("go"), "").unwrap();
    sandbox.sh(&BACKUP.replace("full ", "")).silent();
    assert_eq!(numbers(&sandbox.sh(&look).out()), numbers(&kept));
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").silent();
}

#[test]
fn a_backup_that_was_interrupted_before_a_volume_had_arrived_names_none() {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-upload", 0);
    let run = Background::start(&sandbox, BACKUP);
    let held = |words: &String| words.contains(".held/moo-upload");
    until("the stage", || processes(&sandbox).iter().any(held));
    let said = run.end(&sandbox, "TERM").said;
    let line = "moo backup: interrupted; the next run resumes after the last stored volume";
    assert_eq!(said, [line]);
}
