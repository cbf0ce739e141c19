//! A passphrase that is typed: once a command, and again after a wrong one.

use tests::Sandbox;

use super::kit::{XTERM, seen};

/// Two chains that are encrypted to a key in a file, and the name of the key.
fn sandbox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let key = sandbox.sh("PASSPHRASE=purr moo keygen key").out().trim().to_owned();
    let backup = "moo backup full --encrypt-key key.cert.pgp src file://$PWD/store";
    sandbox
        .sh(&format!("mkdir src && date >src/a && {backup} && date >src/b && {backup}"))
        .silent();
    (sandbox, key)
}

/// How often a passphrase was asked for.
fn prompts(sandbox: &Sandbox) -> usize {
    String::from_utf8_lossy(&seen(sandbox)).matches("Passphrase of").count()
}

#[test]
fn each_command_asks_once_names_the_key_and_asks_again_after_a_wrong_one() {
    let (sandbox, key) = sandbox();
    for command in [
        "verify --secret-key key.secret.pgp file://$PWD/store",
        "drill --secret-key key.secret.pgp file://$PWD/store src",
        "restore --secret-key key.secret.pgp file://$PWD/store out",
        "sync --name other --secret-key key.secret.pgp file://$PWD/store",
        "drill --name none --secret-key key.secret.pgp file://$PWD/store",
    ] {
        let steps = format!(
            "moo.expect_exact('Passphrase of secret key {key} (')
moo.sendline('woof')
moo.expect_exact('Wrong passphrase. Passphrase of secret key {key} (')
moo.sendline('purr')"
        );
        let run = XTERM.run(&sandbox, &format!("moo {command}"), &steps);
        run.succeeds().stdout_has("status 0");
        assert_eq!(prompts(&sandbox), 2, "{command}: {}", String::from_utf8_lossy(&seen(&sandbox)));
    }
    sandbox.sh("diff -r src out").silent();
}

#[test]
fn three_wrong_passphrases_end_the_command() {
    let (sandbox, key) = sandbox();
    let steps = "for _ in range(3):
    moo.expect_exact('Passphrase of')
    moo.sendline('woof')";
    let restore = "moo restore --secret-key key.secret.pgp file://$PWD/store out";
    let out = XTERM.run(&sandbox, restore, steps).succeeds().out();
    assert!(out.contains(&format!("secret key {key} (")), "{out}");
    assert!(out.contains("locked with another passphrase"), "{out}");
    assert!(out.trim_end().ends_with("status 6"), "{out}");
    assert_eq!(prompts(&sandbox), 3);
}

#[test]
fn a_passphrase_that_encrypts_is_asked_for_again_after_a_wrong_one_too() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && date >src/a").silent();
    sandbox.sh("PASSPHRASE=purr moo backup src file://$PWD/store").silent();
    let steps = "moo.expect_exact('Passphrase of duplicity-full')
moo.sendline('woof')
moo.expect_exact('Passphrase of duplicity-full')
moo.sendline('purr')";
    let run = XTERM.run(&sandbox, "moo restore file://$PWD/store out", steps);
    run.succeeds().stdout_has("status 0");
    sandbox.sh("diff -r src out").silent();
}

#[test]
fn ctrl_c_at_the_prompt_leaves_a_terminal_that_shows_what_is_typed() {
    let (sandbox, _) = sandbox();
    let steps = "moo.expect_exact('Passphrase of')
moo.sendintr()
moo.expect_exact('interrupted')
assert moo.waitnoecho(timeout=0) is False and moo.getecho()";
    let restore = "sh -c 'trap : INT; moo restore --secret-key key.secret.pgp file://$PWD/store out; sleep 2'";
    XTERM.run(&sandbox, restore, steps).succeeds().stdout_has("moo restore: interrupted");
}
