//! Keys that old GnuPG made: why they are refused, what mends them, and how they are used all the same.

mod allowed;

use tests::{Duplicity, Sandbox};

const GPG: &str = "gpg -q --batch --yes --pinentry-mode loopback --passphrase ''";

/// A sandbox with a source, and the fingerprint of a key that gpg makes by that script for old@x.
fn with_key(script: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo one >src/one").silent();
    sandbox.sh(&script.replace("GPG", GPG)).succeeds();
    let list = "gpg --batch --with-colons -k old@x | awk -F: '/^fpr/ { print $10; exit }'";
    let fingerprint = sandbox.sh(list).succeeds().out().trim().to_owned();
    assert_eq!(fingerprint.len(), 40);
    (sandbox, fingerprint)
}

const SHA1: &str = "gpg='GPG --cert-digest-algo SHA1 --faked-system-time 20120101T000000'
    $gpg --quick-gen-key 'Old <old@x>' rsa2048 cert,sign never
    $gpg --quick-add-key $(gpg --batch --with-colons -k old@x | awk -F: '/^fpr/ { print $10; exit }') rsa2048 encr never";

/// With an empty passphrase in a parameter file, gpg asks for none.
fn unattended(kind: &str, subkey: &str, bits: u32) -> String {
    format!(
        "printf '%s\\n' %no-protection 'Key-Type: {kind}' 'Key-Length: {bits}' 'Subkey-Type: {subkey}' \
         'Subkey-Usage: encrypt' 'Subkey-Length: {bits}' 'Name-Real: Old' 'Name-Email: old@x' 'Expire-Date: 0' %commit >parameters
         GPG --gen-key parameters"
    )
}

/// A full set of stock duplicity in the folder `store`, encrypted to the key, with these options.
fn full_by_duplicity(sandbox: &Sandbox, key: &str, options: &str) {
    let options = format!("--encrypt-key {key} {options}");
    Duplicity::old(sandbox).option(&options).full("src").succeeds();
}

#[test]
fn a_key_with_sha1_self_signatures_is_refused_until_the_commands_in_the_message_are_run() {
    let (sandbox, key) = with_key(SHA1);
    let backup = format!("moo backup --encrypt-key {key} src file://$PWD/store");
    let message = sandbox.sh(&backup).fails_with(6).stderr_has("SHA1").err();
    let (_, rest) = message.split_once("secret key is: ").unwrap();
    let commands = rest.split_once("; then").unwrap().0.replace("gpg ", &format!("{GPG} "));
    sandbox.sh(&commands).succeeds();
    sandbox.sh(&backup).succeeds();
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").succeeds();
}

#[test]
fn small_rsa_and_dsa_keys_are_refused_with_their_kind() {
    for (script, kind) in [
        (unattended("RSA", "RSA", 1024), "RSA with 1024 bits"),
        (unattended("DSA", "ELG-E", 1024), "DSA"),
    ] {
        let (sandbox, key) = with_key(&script);
        let backup = format!("moo backup --encrypt-key {key} src file://$PWD/store");
        sandbox.sh(&backup).fails_with(6).stderr_has(kind).stderr_has("moo keygen");
    }
}

#[test]
fn what_is_encrypted_to_elgamal_is_restored_by_gpg_and_a_key_file_says_so() {
    let (sandbox, key) = with_key(&unattended("DSA", "ELG-E", 1024));
    full_by_duplicity(&sandbox, &key, "");
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").succeeds();
    sandbox.sh(&format!("{GPG} --export-secret-keys {key} >old.pgp")).succeeds();
    let from_file = sandbox.sh("moo restore --secret-key old.pgp file://$PWD/store out2");
    from_file.fails_with(6).stderr_has("gpg --import");
}

#[test]
fn a_wanted_signer_with_a_weak_key_is_refused_with_the_reason() {
    let (sandbox, key) = with_key(SHA1);
    full_by_duplicity(&sandbox, &key, &format!("--sign-key {key}"));
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").succeeds();
    let signed = sandbox.sh(&format!("moo restore --sign-key {key} file://$PWD/store out2"));
    signed.fails_with(6).stderr_has("SHA1").stderr_has("its signatures are not accepted");
}
