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

/// What guides: what was wrong, and what to do instead.
#[test]
fn a_mistake_that_many_make_is_answered_with_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox
        .sh("mkdir src && echo moo >src/a && moo keygen --no-passphrase key >/dev/null")
        .silent();
    let store = "file://$PWD/store";
    sandbox.sh(&format!("moo backup --no-encryption src {store}")).silent();
    let backup = "moo backup --no-encryption";
    let cases: [(&str, i32, &str); 16] = [
        (
            &format!("{backup} {store} src"),
            2,
            "SOURCE is a URL, where a path is expected: moo backup",
        ),
        (
            &format!("moo restore out {store}"),
            2,
            "DEST is a URL, where a path is expected: moo restore",
        ),
        // The first backup has no chain that could be too old, and hid the mistake.
        (
            &format!("{backup} --full-if-older-than 1month src file://$PWD/new"),
            2,
            "--full-if-older-than <AGE>': not an age (such as",
        ),
        (&format!("moo restore --time yesterday {store} out"), 2, "not a time (such as 3D, 1h30m,"),
        (&format!("moo status --max-age 1x {store}"), 2, "--max-age: 1x: not a time (such as"),
        (&format!("moo prune --keep-within 3 {store}"), 2, "--keep-within: 3: not an age (such as"),
        (
            &format!("{backup} --volsize 64M src {store}"),
            2,
            "'--volsize <MIB>': not a whole number",
        ),
        (
            &format!("moo restore --path $PWD/src/a {store} out"),
            10,
            "a path is relative to the source",
        ),
        ("moo-prune file:///nowhere", 2, "give a rule such as --keep-full 2 or --older-than 6M"),
        (&format!("{backup} src file://srv/backup"), 8, "file:///... is an absolute path"),
        (&format!("{backup} src file:///nowhere/store"), 8, "is the disk mounted?"),
        (&format!("{backup} --encypt-key X src {store}"), 2, "did you mean --encrypt-key?"),
        ("moo bakup", 2, "did you mean backup?"),
        (
            &format!("moo backup --encrypt-key key.cert.pgp --seal-key ./none src {store}"),
            6,
            "./none: no such file",
        ),
        (
            &format!("moo backup --encrypt-key key.cert.pgp --seal-key ./ src {store}"),
            6,
            "./: is a directory",
        ),
        (
            &format!("moo backup --encrypt-key key.cert.pgp --seal-key key.cert.pgp src {store}"),
            6,
            "key.cert.pgp: a certificate only, and GnuPG has no secret key for it",
        ),
    ];
    for (call, status, says) in cases {
        let run = sandbox.sh(call);
        is_told(&run, call);
        drop(run.fails_with(status).stdout_is("").stderr_has(says));
    }
}

#[test]
fn a_message_begins_with_the_command_that_was_typed_whichever_stage_fails() {
    let sandbox = Sandbox::new();
    sandbox
        .sh("mkdir src && echo moo >src/a && moo keygen --no-passphrase key >/dev/null")
        .silent();
    for command in
        ["status", "verify", "verify --quick", "list", "drill", "restore", "cleanup", "sync"]
    {
        let dest = if command == "restore" { "out" } else { "" };
        let run = sandbox
            .sh(&format!("moo {command} file://$PWD/none {dest}"))
            .fails_with(10)
            .one_message();
        let name = command.split(' ').next().unwrap();
        let message =
            format!("moo {name}: file://{}: no such folder: ", sandbox.path("none").display());
        assert!(run.err().starts_with(&message), "{command}: {}", run.err());
    }
    let backup = "moo backup --encrypt-key key.cert.pgp src file:///nowhere/store";
    sandbox
        .sh(backup)
        .fails_with(8)
        .one_message()
        .stderr_has("moo backup: file:///nowhere/store: ");
    // By itself a stage has its own name, and whoever asks for more learns which stage says it.
    sandbox
        .sh("moo-check file:///none")
        .fails_with(10)
        .one_message()
        .stderr_has("moo-check: file:///none: ");
    sandbox.sh("moo backup --encrypt-key key.cert.pgp src file://$PWD/store").silent();
    sandbox
        .sh("moo verify --quick --sample 100 -v info file://$PWD/store")
        .succeeds()
        .stderr_has("moo-check: ");
    // A command that a command starts is not the same one.
    let nested = "moo backup --encrypt-key key.cert.pgp --stdin-name a --command 'moo list file:///none' file://$PWD/b";
    sandbox.sh(nested).fails().stderr_has("moo list: file:///none: ");
}

#[test]
fn help_of_a_command_is_its_own() {
    let sandbox = Sandbox::new();
    for command in ["backup", "config", "doctor", "prune-remote"] {
        let help = sandbox.sh(&format!("moo {command} --help")).succeeds().out();
        sandbox.sh(&format!("moo help {command}")).succeeds().stdout_is(help.trim_end());
    }
    sandbox.sh("moo help bakup").fails_with(2).one_message().stderr_has("did you mean backup?");
}

#[test]
fn a_secret_key_on_the_machine_that_is_backed_up_is_warned_of() {
    let sandbox = Sandbox::new();
    sandbox
        .sh("mkdir src && echo moo >src/a && moo keygen --no-passphrase key >/dev/null")
        .silent();
    let backup = "moo backup --encrypt-key key.secret.pgp src file://$PWD/store";
    let run = sandbox.sh(backup).succeeds().one_message();
    drop(run.stderr_has("key.secret.pgp: holds the secret key too"));
    sandbox
        .sh("moo restore --secret-key key.secret.pgp file://$PWD/store out && diff -r src out")
        .silent();
}
