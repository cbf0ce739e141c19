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

/// A program in place of each stage, which writes down how many passphrases it sees and then is the
/// stage.
const SHIMS: &str = "mkdir -p shim seen && for real in $(command -v moo-run | xargs dirname)/moo-*; do
    name=${real##*/}
    test -f $real && test -x $real && ! expr $name : '.*[.]' >/dev/null || continue
    printf '#!/bin/sh\nenv | grep -c PASS >>%s/seen/%s\nexec %s \"$@\"\n' \"$PWD\" $name $real >shim/$name
    chmod +x shim/$name
done";

#[test]
fn passphrases_reach_only_the_stages_that_encrypt_and_decrypt() {
    let sandbox = sandbox();
    let url = "file://$PWD/store";
    sandbox.sh(SHIMS).silent();
    for (command, words) in [
        ("backup", format!("src {url}")),
        ("restore", format!("--path one --archive-dir none {url} out")),
        ("list", format!("--archive-dir none {url}")),
        ("verify", url.to_owned()),
        ("verify", format!("{url} src")),
        ("drill", format!("{url} src")),
        ("sync", format!("--archive-dir other {url}")),
        ("consolidate", url.to_owned()),
        ("rekey", format!("{url} file://$PWD/second")),
        ("status", url.to_owned()),
        ("replicate", format!("{url} file://$PWD/third")),
        ("prune", format!("--keep-full 5 {url}")),
        ("cleanup", url.to_owned()),
    ] {
        let set = "rm -f seen/*; PASSPHRASE=a SIGN_PASSPHRASE=b NEW_PASSPHRASE=c";
        let run = format!("{set} PATH=$PWD/shim:$PATH $commands/{command}.sh");
        sandbox.sh(&format!("sleep 1.1; {run} {words}")).succeeds();
        let seen = sandbox.sh("cd seen && grep -l '^[1-9]' * | tr '\\n' ' '").out();
        let none = ["status", "replicate", "prune", "cleanup"].contains(&command);
        let some = ["moo-decrypt ", "moo-encrypt ", "moo-decrypt moo-encrypt "];
        let allowed = if none { seen.is_empty() } else { some.contains(&seen.as_str()) };
        assert!(allowed, "{command} {words}: {seen}");
    }
}

#[test]
fn variables_of_the_caller_with_names_of_the_scripts_change_nothing() {
    let mut sandbox = sandbox();
    sandbox.set("PASSPHRASE", "purr");
    for name in
        ["path", "keep_going", "time", "seal_key", "learned_key", "known", "stats", "as", "user"]
    {
        sandbox.set(name, "one");
    }
    for name in ["passphrase", "new_passphrase", "sign_passphrase", "unprotected", "quick", "type"]
    {
        sandbox.set(name, "woof");
    }
    let url = "file://$PWD/store";
    sandbox.sh(&format!("moo backup src {url}")).silent();
    sandbox.sh(&format!("moo restore {url} out && diff -r src out")).silent();
    sandbox.sh(&format!("moo list {url}")).succeeds().stdout_has(" one").stdout_has(" .");
    sandbox.sh(&format!("moo verify {url} && moo verify {url} src && moo drill {url}")).silent();
    sandbox.sh(&format!("moo sync --archive-dir other {url}")).silent();
    sandbox.sh(&format!("NEW_PASSPHRASE=meow moo rekey {url} file://$PWD/second")).silent();
    let again = "PASSPHRASE=meow moo restore file://$PWD/second again && diff -r src again";
    sandbox.sh(again).silent();
    sandbox.sh(&format!("sleep 1.1; moo consolidate {url}")).silent();
    sandbox.sh(&format!("moo restore {url} last && diff -r src last")).silent();
}
