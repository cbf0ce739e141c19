//! Copies of a store that are encrypted to other keys.

use tests::damage::{find_all, flip};
use tests::{Key, Sandbox};

use super::kit::{Barn, with_keys};

const SEALED: &str = "--seal-key new.secret.pgp";

#[test]
fn chains_with_new_keys_and_seals_have_all_states_and_the_old_key_opens_nothing_in_them() {
    let (sandbox, old, new) = with_keys();
    let barn = Barn::new(sandbox, &format!("--encrypt-key {old} --seal-key old.secret.pgp"));
    let rekey = format!("rekey --encrypt-key {new} {SEALED}");
    barn.copy(&format!("{rekey} --old-seal-key old.cert.pgp")).silent();
    barn.backup("inc");
    barn.copy(&format!("{rekey} --old-seal-key new.cert.pgp")).fails_with(5).one_message();
    barn.copy(&rekey).silent();
    let before = barn.files("copy");
    barn.copy(&rekey).silent();
    assert_eq!(before, barn.files("copy"), "there is nothing new");
    let quick = "moo verify --quick --sample 100 --archive-dir . --name lost";
    barn.sandbox.sh(&format!("{quick} --seal-key new.cert.pgp file://$PWD/copy")).silent();
    barn.sandbox.sh(&format!("{quick} --seal-key old.cert.pgp file://$PWD/copy")).fails_with(5);
    old.forget(&barn.sandbox);
    barn.is_all_in("copy", "--seal-key new.cert.pgp");
    barn.sandbox.sh("moo sync --archive-dir . --name again file://$PWD/copy").silent();
}

#[test]
fn the_old_key_opens_no_file_of_the_copy() {
    let (sandbox, old, new) = with_keys();
    let barn = Barn::empty(sandbox, &format!("--encrypt-key {old}"));
    barn.backup("full");
    barn.copy(&format!("rekey --encrypt-key {new}")).silent();
    new.forget(&barn.sandbox);
    let files = find_all(barn.sandbox.path("copy"), ".gpg");
    assert_eq!(files.len(), 3);
    for file in files {
        barn.sandbox.sh(&format!("gpg --batch -d '{}'", file.display())).fails_with(2);
    }
    let restore = "moo restore --archive-dir . --name lost file://$PWD/copy out";
    barn.sandbox.sh(restore).fails_with(6).one_message();
}

#[test]
fn passphrases_keys_and_plain_text_take_each_others_place() {
    let (mut sandbox, _, new) = with_keys();
    sandbox.set("PASSPHRASE", "old words");
    let mut barn = Barn::empty(sandbox, "");
    barn.backup("full");
    barn.backup("inc");
    barn.copy("rekey --no-encryption --jobs 1").silent();
    barn.copy("rekey --no-encryption --jobs none").fails_with(2).stderr_has("--jobs");
    // The words of the passphrase are for encrypted sets.
    barn.is_in("copy", "--allow-unprotected");
    barn.sandbox.sh("rm -r copy && echo new words >new.words").silent();
    barn.copy("rekey --new-passphrase-file new.words").silent();
    barn.sandbox.sh("mv copy changed").silent();
    barn.copy(&format!("rekey --encrypt-key {new} {SEALED}")).silent();
    barn.sandbox.unset("PASSPHRASE");
    barn.is_in("copy", "--seal-key new.cert.pgp");
    barn.is_in("changed", "--passphrase-file new.words");
    barn.sandbox.sh("rm -r copy").silent();
    let both = format!("rekey --passphrase-fd 3 --encrypt-key {new}");
    let script = barn.script(&both, "file://$PWD/copy");
    barn.sandbox.sh(&format!("echo old words >o && {script} 3<o")).silent();
    barn.is_in("copy", "");
    barn.sandbox.set("PASSPHRASE", "wrong").set("NEW_PASSPHRASE", "other");
    barn.sandbox.sh("rm -r copy").silent();
    barn.copy("rekey").fails_with(6).one_message();
}

#[test]
fn a_foreign_store_gets_new_keys_and_seals_of_its_own() {
    let (sandbox, old, new) = with_keys();
    let barn = Barn::of_duplicity(sandbox, &format!("--encrypt-key {old}"));
    barn.copy(&format!("rekey --encrypt-key {new} {SEALED}")).silent();
    old.forget(&barn.sandbox);
    barn.is_all_in("copy", "--seal-key new.cert.pgp");
}

#[test]
fn damage_at_the_source_is_named_and_nothing_of_its_set_gets_a_name_or_a_new_key() {
    let (sandbox, old, new) = with_keys();
    let barn = Barn::of_duplicity(sandbox, &format!("--encrypt-key {old}"));
    let rekey = format!("rekey --encrypt-key {new}");
    barn.sandbox.sh("mkdir spare && cp store/* spare").silent();
    let inc = barn.named("store", 1);
    for name in &inc {
        flip(barn.sandbox.path("store").join(name), -30);
        let run = barn.copy(&rekey).fails().one_message().stderr_has(name);
        assert!(matches!(run.status, 5 | 6), "{}", run.err());
        assert!(barn.named("copy", 1).is_empty());
        barn.sandbox.sh("cp spare/* store").silent();
    }
    // duplicity's volumes are numbered, but only the manifest tells how many there are.
    barn.sandbox.sh("rm -r copy && rm store/*full*.vol2.*").silent();
    barn.copy(&rekey).fails_with(5).one_message().stderr_has("volume 2 has no hash");
    assert!(barn.files("copy").is_empty());
}

#[test]
fn keys_that_are_missing_are_told_before_anything_is_stored() {
    let (sandbox, old, new) = with_keys();
    let barn = Barn::empty(sandbox, &format!("--encrypt-key {old}"));
    barn.backup("full");
    barn.copy("rekey --encrypt-key nobody@example.org").fails_with(6).one_message();
    let key = Key { fingerprint: new.fingerprint.clone() };
    old.forget_secret(&barn.sandbox);
    barn.copy(&format!("rekey --encrypt-key {key}")).fails_with(6).one_message();
    assert!(!barn.sandbox.path("copy").exists() || barn.files("copy").is_empty());
}

#[test]
fn a_restore_is_no_copy_to_encrypt() {
    let sandbox = Sandbox::new();
    let barn = Barn::empty(sandbox, "--no-encryption");
    barn.backup("full");
    let pipe = "moo-fetch file://$PWD/store | moo-decrypt | moo-encrypt --no-encryption | tar t";
    barn.sandbox.sh(pipe).succeeds().stdout_is("failed.json").stderr_has("is a restore");
    let pipe = "moo-fetch --metadata file://$PWD/store | moo-decrypt |
        moo-encrypt --no-encryption | moo-upload file://$PWD/copy | moo-commit";
    barn.sandbox.sh(pipe).fails_with(5).one_message().stderr_has("volume 1 has no hash");
}
