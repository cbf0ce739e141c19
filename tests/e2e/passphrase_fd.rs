//! `--passphrase-fd`: a descriptor can be read once, and what it gives serves all stages.

use tests::{Key, Sandbox};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo one >src/one && printf 'purr\\nmeow\\n' >secret").silent();
    sandbox
}

/// A command with the passphrase in a pipe at its descriptor 5.
fn with_pipe(command: &str) -> String {
    format!("cat secret | {{ exec 5<&0 </dev/null; {command}; }}")
}

#[test]
fn a_backup_whose_archive_directory_is_lost_reads_the_store_with_the_passphrase_of_the_descriptor()
{
    for locked in [false, true] {
        let sandbox = sandbox();
        let key = locked.then(|| Key::locked(&sandbox, "cat", "purr"));
        let to = key.map(|key| format!("--encrypt-key {key}")).unwrap_or_default();
        let backup = with_pipe(&format!("moo backup --passphrase-fd 5 {to} src file://$PWD/store"));
        sandbox.sh(&backup).silent();
        sandbox
            .sh("gpgconf --kill all; rm -r .home/.local/state/moobacker && echo two >src/two")
            .silent();
        sandbox.sh(&backup).silent();
        sandbox.sh("ls store/duplicity-inc*.manifest.gpg | wc -l").stdout_is("1");
        sandbox.sh("gpgconf --kill all").silent();
        let restore = "moo restore --passphrase-fd 5 file://$PWD/store out && diff -r src out";
        sandbox.sh(&with_pipe(restore)).silent();
    }
}

#[test]
fn the_descriptor_goes_before_the_variables_for_all_that_the_passphrase_opens() {
    let mut sandbox = sandbox();
    let key = Key::locked(&sandbox, "cat", "purr");
    sandbox.sh("gpgconf --kill all").silent();
    sandbox.set("PASSPHRASE", "woof").set("SIGN_PASSPHRASE", "woof");
    let backup = format!(
        "moo backup --passphrase-fd 5 --encrypt-key {key} --sign-key {key} src file://$PWD/store"
    );
    sandbox.sh(&with_pipe(&backup)).silent();
    sandbox.sh("gpgconf --kill all").silent();
    sandbox.sh(&with_pipe("moo restore --passphrase-fd 5 file://$PWD/store out")).silent();
}

#[test]
fn each_command_takes_any_descriptor_and_refuses_one_that_gives_nothing() {
    let sandbox = sandbox();
    let url = "file://$PWD/store";
    sandbox.sh(&format!("moo backup --passphrase-fd 3 src {url} 3<secret")).silent();
    for command in ["restore", "list", "verify", "drill", "sync", "consolidate"] {
        let out = if command == "restore" { "out" } else { "" };
        let moo = |fd: &str, from: &str| {
            let run = format!("moo {command} --name other --passphrase-fd {fd} {url} {out} {from}");
            sandbox.sh(&format!("bash -c '{run}'"))
        };
        moo("12", "12<secret").succeeds();
        moo("3", "3</dev/null").fails_with(6).one_message().stderr_has("--passphrase-fd: 3:");
        moo("7", "").fails_with(6).one_message().stderr_has("--passphrase-fd: 7:");
        moo("x", "").fails_with(2).one_message().stderr_has("not a number");
    }
}
