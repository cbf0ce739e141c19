//! Keys that expire or are revoked: nothing new is made with them, and what was made before comes back.

use tests::{Duplicity, Sandbox};

const GPG: &str = "gpg -q --batch --yes --pinentry-mode loopback --passphrase ''";
/// When the keys of these tests are made; they live for a year.
const THEN: &str = "--faked-system-time 20200101T000000";

/// A key of GnuPG that signs, with a subkey that encrypts; each lives as long as that says.
fn key(sandbox: &Sandbox, user: &str, primary: &str, subkey: &str) -> String {
    let gpg = format!("{GPG} {THEN}");
    let list =
        format!("gpg --batch --with-colons -k {user} | awk -F: '/^fpr/ {{ print $10; exit }}'");
    let make = format!(
        "{gpg} --quick-gen-key {user} ed25519 cert,sign {primary} &&
            {gpg} --quick-add-key $({list}) cv25519 encr {subkey}"
    );
    sandbox.sh(&make).succeeds();
    let id = sandbox.sh(&list).succeeds().out().trim().to_owned();
    assert_eq!(id.len(), 40);
    id
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo one >src/one").silent();
    sandbox
}

/// The commands that a message names.
fn commands(message: &str) -> String {
    let (_, rest) = message.split_once("secret key is: ").unwrap();
    rest.split_once("; then").unwrap().0.replace("gpg ", &format!("{GPG} "))
}

/// A backup with these options is refused for that reason and stores nothing; after the commands that the
/// message names it works, and comes back.
fn is_mended(sandbox: &Sandbox, options: &str, why: &str) {
    let backup = format!("moo backup {options} src file://$PWD/store");
    let message = sandbox.sh(&backup).fails_with(6).one_message().stderr_has(why).err();
    sandbox.sh("ls -A store 2>/dev/null").stdout_is("");
    sandbox.sh(&commands(&message)).succeeds();
    sandbox.sh(&backup).silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").silent();
}

#[test]
fn an_expired_recipient_is_refused_until_the_commands_in_the_message_are_run() {
    for (primary, subkey, why) in [
        ("1y", "1y", "): it expired on 2020-12-31"),
        ("1y", "never", "): it expired on 2020-12-31"),
        ("never", "1y", "): its encryption key expired on 2020-12-31"),
    ] {
        let sandbox = sandbox();
        let id = key(&sandbox, "old", primary, subkey);
        is_mended(&sandbox, &format!("--encrypt-key {id}"), why);
    }
}

#[test]
fn an_expired_signer_of_files_or_seals_is_refused_until_the_commands_in_the_message_are_run() {
    for option in ["--sign-key", "--seal-key"] {
        let sandbox = sandbox();
        let (old, good) =
            (key(&sandbox, "old", "1y", "1y"), key(&sandbox, "good", "never", "never"));
        let options = format!("--encrypt-key {good} {option} {old}");
        is_mended(&sandbox, &options, "): it expired on 2020-12-31");
    }
}

#[test]
fn an_expired_key_of_moo_keygen_is_extended_by_gpg_and_exported_again() {
    let sandbox = sandbox();
    sandbox.sh("moo keygen --no-passphrase --expires 1s short && sleep 2").succeeds();
    let backup = "moo backup --encrypt-key short.cert.pgp src file://$PWD/store";
    let message = sandbox.sh(backup).fails_with(6).one_message().stderr_has("expired on").err();
    sandbox.sh(&format!("{GPG} --import short.secret.pgp")).succeeds();
    sandbox.sh(&commands(&message)).succeeds();
    sandbox.sh("gpg --batch -q --export moobacker >short.cert.pgp").succeeds();
    sandbox.sh(backup).silent();
    let restore = "moo restore --secret-key short.secret.pgp file://$PWD/store out";
    sandbox.sh(&format!("{restore} && diff -r src out")).silent();
}

/// A store of a good recipient, whose set was made in June 2020, signed by a key that expired since.
fn signed_in_time(sandbox: &Sandbox, option: &str) -> (String, String) {
    let (old, good) = (key(sandbox, "old", "1y", "1y"), key(sandbox, "good", "never", "never"));
    let options = format!("--encrypt-key {good} {option} {old}");
    let backup = format!("moo backup {options} src file://$PWD/store");
    sandbox.sh(&format!("faketime -f '@2020-06-01 00:00:00' sh -c '{backup}'")).silent();
    sandbox.sh("echo two >src/two").silent();
    (old, backup)
}

#[test]
fn what_was_signed_before_the_key_expired_restores_with_it_also_once_it_is_extended() {
    for option in ["--sign-key", "--seal-key"] {
        let sandbox = sandbox();
        let (old, backup) = signed_in_time(&sandbox, option);
        let restore = format!("moo restore {option} {old} file://$PWD/store");
        sandbox.sh(&format!("{restore} expired && rm src/two && diff -r src expired")).silent();
        sandbox.sh("echo two >src/two").silent();
        let message =
            sandbox.sh(&backup).fails_with(6).stderr_has("it expired on 2020-12-31").err();
        sandbox.sh("ls store/duplicity-inc* 2>/dev/null").stdout_is("");
        // gpg makes the self-signatures anew: they are younger than the set now.
        sandbox.sh(&commands(&message)).succeeds();
        sandbox
            .sh(&format!("{restore} extended && echo two >extended/two && diff -r src extended"))
            .silent();
        sandbox.sh(&backup).silent();
        sandbox.sh("ls store/duplicity-inc*.manifest.gpg | wc -l").stdout_is("1");
        sandbox.sh(&format!("{restore} both && diff -r src both")).silent();
        if option == "--sign-key" {
            let stock = Duplicity::old(&sandbox).option(&format!("--sign-key {old}"));
            stock.archive("other").restore("stock").succeeds();
        }
        sandbox.sh(&revoke(&old)).succeeds();
        sandbox.sh(&format!("{restore} revoked")).fails();
        sandbox.sh("test ! -e revoked").silent();
    }
}

/// The command that revokes a key.
fn revoke(key: &str) -> String {
    format!("sed 's/^:---/---/' .gnupg/openpgp-revocs.d/{key}.rev | {GPG} --import")
}

#[test]
fn a_revoked_recipient_or_signer_is_refused_and_its_signatures_count_no_more() {
    for option in ["--sign-key", "--seal-key"] {
        let sandbox = sandbox();
        let (old, good) =
            (key(&sandbox, "old", "never", "never"), key(&sandbox, "good", "never", "never"));
        let backup =
            format!("moo backup --encrypt-key {good} {option} {old} src file://$PWD/store");
        sandbox.sh(&backup).silent();
        sandbox.sh(&format!("moo restore {option} {old} file://$PWD/store before")).silent();
        sandbox.sh(&revoke(&old)).succeeds();
        let refused = sandbox.sh(&backup).fails_with(6).one_message();
        refused.stderr_has("): it is revoked").stderr_has("moo keygen");
        let recipient = format!("moo backup --encrypt-key {old} src file://$PWD/other");
        sandbox.sh(&recipient).fails_with(6).one_message().stderr_has("): it is revoked");
        sandbox.sh("ls -A other 2>/dev/null").stdout_is("");
        // Whoever has the key could have made them at any time.
        sandbox.sh(&format!("moo restore {option} {old} file://$PWD/store after")).fails();
        sandbox.sh("test ! -e after").silent();
        sandbox.sh("moo restore file://$PWD/store unsigned && diff -r src unsigned").silent();
    }
}
