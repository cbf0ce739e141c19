//! Wrong calls: each program and each command of `moo` says in one line what is wrong.

use tests::sandbox::programs;
use tests::{Run, Sandbox};

/// One line that begins with a name, says something of its own, and is no list that breaks off.
#[track_caller]
fn is_told(run: &Run, call: &str) {
    let said = run.err();
    let said = said.trim_end();
    assert_eq!(said.lines().count(), 1, "{call}: {said}");
    let (name, why) = said.split_once(": ").unwrap_or_default();
    let is_name = name.starts_with("moo") || name.ends_with(".sh");
    assert!(
        is_name && why.len() > 10 && !why.contains(": (") && !why.ends_with(':'),
        "{call}: {said}"
    );
    assert!(!said.contains("panicked"), "{call}: {said}");
}

/// All programs, by their names.
fn all_programs() -> Vec<String> {
    let names = std::fs::read_dir(programs()).unwrap().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let found: Vec<_> =
        names.filter(|name| name.starts_with("moo-") && !name.contains('.')).collect();
    assert!(found.len() >= 15, "{found:?}");
    found
}

/// All commands, as `moo --help` lists them.
fn all_commands(sandbox: &Sandbox) -> Vec<String> {
    let list = "moo --help | sed -n 's/^  \\([a-z][a-z-]*\\) .*/\\1/p' | grep -vx moo | sort -u";
    let found: Vec<_> = sandbox.sh(list).out().lines().map(str::to_owned).collect();
    assert!(found.len() >= 15, "{found:?}");
    found
}

#[test]
fn a_program_without_arguments_names_what_is_missing() {
    let sandbox = Sandbox::new();
    for program in all_programs() {
        let run = sandbox.sh(&format!("{program} </dev/null >stream"));
        is_told(&run, &program);
        // A stage that takes its stream from standard input misses that.
        let misses = ["standard input: empty", "standard input: no input"]
            .iter()
            .any(|message| run.err().contains(message));
        assert_eq!(run.status, if misses { 4 } else { 2 }, "{program}: {}", run.err());
    }
    sandbox.sh("moo-run").fails_with(2).stderr_has("<NAME> <PROGRAM>");
}

#[test]
fn a_program_with_a_wrong_argument_names_it() {
    let sandbox = Sandbox::new();
    for program in all_programs() {
        let run = sandbox.sh(&format!("{program} --nonsense </dev/null >stream"));
        is_told(&run, &program);
        drop(run.fails_with(2).stderr_has("--nonsense"));
    }
}

#[test]
fn a_command_of_moo_without_arguments_or_with_a_wrong_one_names_it() {
    let sandbox = Sandbox::new();
    for command in all_commands(&sandbox) {
        // These two need nothing, and look at the machine.
        if !["doctor", "setup-local"].contains(&command.as_str()) {
            let run = sandbox.sh(&format!("moo {command} </dev/null"));
            is_told(&run, &command);
            drop(run.fails_with(2).stdout_is(""));
        }
        let run = sandbox.sh(&format!("moo {command} --nonsense </dev/null"));
        is_told(&run, &command);
        drop(run.fails_with(2).stdout_is("").stderr_has("--nonsense"));
    }
    sandbox.sh("moo nonsense").fails_with(2).one_message().stderr_has("nonsense: no such command");
}
