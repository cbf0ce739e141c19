//! `--allow-weak-keys`: old keys encrypt and sign, by gpg.

use tests::{Duplicity, Key, Sandbox};

use super::{GPG, SHA1, full_by_duplicity, unattended, with_key};

/// A kind of old key, its script, and what the message calls it.
fn kinds() -> [(String, &'static str); 3] {
    [
        (SHA1.to_owned(), "SHA1"),
        (unattended("RSA", "RSA", 1024), "RSA with 1024 bits"),
        (unattended("DSA", "ELG-E", 1024), "DSA"),
    ]
}

/// No file that belongs to a set is in the store.
#[track_caller]
fn assert_nothing_stored(sandbox: &Sandbox) {
    sandbox.sh("find store -name '*.gpg' -o -name '*.seal' 2>/dev/null | wc -l").stdout_is("0");
}

/// A backup and an increment with these options; both duplicities, gpg and we restore it.
fn is_restored_by_all(sandbox: &Sandbox, key: &str, options: &str) {
    let backup = format!("moo backup --allow-weak-keys {options} src file://$PWD/store");
    sandbox.sh(&backup).silent();
    sandbox.sh("echo two >src/two; seq 200000 >src/large; cp src/large src/same").silent();
    sandbox.sh(&backup).silent();
    sandbox.sh("ls store/*inc*.manifest.gpg | wc -l").succeeds().stdout_is("1");
    sandbox.sh("moo restore file://$PWD/store ours && diff -r src ours").silent();
    sandbox.sh("moo verify file://$PWD/store src").silent();
    for (program, out) in [(Duplicity::old(sandbox), "old"), (Duplicity::new(sandbox), "new")] {
        let signed = options.contains("--sign-key").then(|| format!("--sign-key {key}"));
        let program = program.option(&signed.unwrap_or_default()).archive(out);
        program.restore(&format!("{out}.d")).succeeds();
        sandbox.sh(&format!("diff -r src {out}.d")).silent();
    }
    sandbox.sh("rescue.sh store rescued && diff -r src rescued").succeeds();
}

#[test]
fn each_kind_of_old_key_encrypts_with_the_option_and_everybody_restores_and_we_extend() {
    for (script, kind) in kinds() {
        let (sandbox, key) = with_key(&script);
        let backup = format!("moo backup --encrypt-key {key} src file://$PWD/store");
        let refused = sandbox.sh(&backup).fails_with(6).one_message();
        refused.stderr_has(kind).stderr_has("--allow-weak-keys");
        assert_nothing_stored(&sandbox);
        is_restored_by_all(&sandbox, &key, &format!("--encrypt-key {key}"));
    }
}

#[test]
fn each_kind_of_old_key_signs_each_file_with_the_option_and_duplicity_checks_it() {
    for (script, kind) in kinds() {
        let (sandbox, key) = with_key(&script);
        let recipient = Key::open(&sandbox, "purr");
        let options = format!("--encrypt-key {recipient} --sign-key {key}");
        let backup = format!("moo backup {options} src file://$PWD/store");
        let refused = sandbox.sh(&backup).fails_with(6).one_message();
        refused.stderr_has(kind).stderr_has("--allow-weak-keys");
        assert_nothing_stored(&sandbox);
        is_restored_by_all(&sandbox, &key, &options);
    }
}

#[test]
fn an_old_key_encrypts_and_signs_at_once() {
    for (script, _) in kinds() {
        let (sandbox, key) = with_key(&script);
        is_restored_by_all(&sandbox, &key, &format!("--encrypt-key {key} --sign-key {key}"));
    }
}

#[test]
fn a_chain_of_duplicity_for_an_old_key_is_extended_with_the_option() {
    let (sandbox, key) = with_key(SHA1);
    full_by_duplicity(&sandbox, &key, &format!("--sign-key {key}"));
    sandbox.sh("echo two >src/two").silent();
    let options = format!("--encrypt-key {key} --sign-key {key}");
    sandbox.sh(&format!("moo backup {options} src file://$PWD/store")).fails_with(6);
    sandbox.sh(&format!("moo backup --allow-weak-keys {options} src file://$PWD/store")).succeeds();
    sandbox.sh("ls store/duplicity-inc*.manifest.gpg | wc -l").stdout_is("1");
    Duplicity::old(&sandbox).option(&options).archive("other").restore("out").succeeds();
    sandbox.sh("diff -r src out").silent();
}

#[test]
fn beside_an_old_key_a_good_one_opens_the_backup_without_gpg() {
    let (sandbox, key) = with_key(&unattended("DSA", "ELG-E", 1024));
    sandbox.sh("moo keygen --no-passphrase good").succeeds();
    sandbox.sh(&format!("{GPG} --export {key} >old.cert.pgp")).silent();
    let backup = "moo backup --allow-weak-keys --encrypt-key good.cert.pgp";
    for (weak, store) in [("--encrypt-key", "named"), ("--hidden-encrypt-key", "hidden")] {
        let url = format!("file://$PWD/{store}");
        sandbox.sh(&format!("{backup} {weak} old.cert.pgp src {url}")).silent();
        let ours = format!("moo restore --secret-key good.secret.pgp {url} {store}.ours");
        sandbox.sh(&format!("PATH=$(dirname $(command -v moo)):$PATH {ours}")).silent();
        sandbox.sh(&format!("moo restore {url} {store}.gpg && diff -r src {store}.gpg")).silent();
        sandbox.sh(&format!("diff -r src {store}.ours")).silent();
        let names =
            sandbox.sh(&format!("gpg --list-only --batch --list-packets {store}/*.manifest.gpg"));
        let hidden = names.out().contains("keyid 0000000000000000");
        assert_eq!(hidden, store == "hidden");
    }
}

#[test]
fn settings_of_gpg_add_no_recipient_and_change_nothing() {
    let (sandbox, key) = with_key(SHA1);
    let other = Key::open(&sandbox, "purr");
    let settings = format!("encrypt-to {other}\\narmor\\ncipher-algo CAST5\\nno-such-option\\n");
    sandbox.sh(&format!("{GPG} --export {key} >old.cert.pgp")).silent();
    sandbox.sh(&format!("printf '{settings}' >.gnupg/gpg.conf")).silent();
    let backup = "moo backup --allow-weak-keys --encrypt-key old.cert.pgp src file://$PWD/store";
    sandbox.sh(backup).silent();
    sandbox.sh("rm .gnupg/gpg.conf").silent();
    let list =
        "gpg --list-only --batch --list-packets store/*.manifest.gpg | grep -c '^:pubkey enc'";
    sandbox.sh(list).stdout_is("1");
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").silent();
    sandbox.sh("ls -A .tmp").stdout_is("");
}

#[test]
fn a_secret_key_file_of_an_old_key_signs_once_gpg_has_it() {
    let (sandbox, key) = with_key(SHA1);
    sandbox.sh("moo keygen --no-passphrase good").succeeds();
    sandbox.sh(&format!("{GPG} --export-secret-keys {key} >old.pgp")).succeeds();
    sandbox.sh(&format!("{GPG} --delete-secret-and-public-key {key}")).succeeds();
    let backup = "moo backup --allow-weak-keys --encrypt-key good.cert.pgp src file://$PWD/store";
    let refused = sandbox.sh(&format!("{backup} --sign-key old.pgp")).fails_with(6).one_message();
    refused.stderr_has("gpg --import").stderr_has(&key);
    assert_nothing_stored(&sandbox);
    sandbox.sh(&format!("{GPG} --import old.pgp")).succeeds();
    sandbox.sh(&format!("{backup} --sign-key {key}")).silent();
}

#[test]
fn a_seal_by_an_old_key_proves_nothing_and_is_refused_with_the_option_too() {
    let (sandbox, key) = with_key(SHA1);
    sandbox.sh("moo keygen --no-passphrase good").succeeds();
    let backup = "moo backup --allow-weak-keys --encrypt-key good.cert.pgp";
    let refused = sandbox.sh(&format!("{backup} --seal-key {key} src file://$PWD/store"));
    let told = refused.fails_with(6).stderr_has("SHA1").err();
    assert!(!told.contains("--allow-weak-keys"), "{told}");
    assert_nothing_stored(&sandbox);
}

#[test]
fn a_gpg_that_fails_in_the_middle_of_a_volume_stores_nothing_and_its_reason_is_told() {
    let (sandbox, key) = with_key(SHA1);
    sandbox.sh("head -c 20000000 /dev/urandom >src/large").silent();
    for (how, why) in [
        ("head -c 100000 >/dev/null; echo 'gpg: no more milk' >&2; exit 2", "no more milk"),
        ("echo 'gpg: no milk' >&2; exit 2", "no milk"),
        ("head -c 100000; cat >/dev/null; kill -9 $$", "gpg"),
    ] {
        let gpg = format!(
            "#!/bin/sh\ncase \"$*\" in *--encrypt) {how} ;; esac\nexec /usr/bin/gpg \"$@\"\n"
        );
        std::fs::create_dir_all(sandbox.path("fake")).unwrap();
        std::fs::write(sandbox.path("fake/gpg"), gpg).unwrap();
        let backup =
            format!("moo backup --allow-weak-keys --encrypt-key {key} src file://$PWD/store");
        let run = sandbox.sh(&format!("chmod +x fake/gpg; PATH=$PWD/fake:$PATH; {backup}"));
        run.fails_with(6).one_message().stderr_has(why);
        sandbox.sh("ls store/*manifest* 2>/dev/null").stdout_is("");
    }
}

#[test]
fn a_large_volume_for_an_old_key_takes_no_more_memory_than_a_small_one() {
    let (sandbox, key) = with_key(&unattended("DSA", "ELG-E", 1024));
    // Content that does not compress, in one volume; of memory there is less than a third of it.
    sandbox.sh("head -c 250000000 /dev/urandom >src/large").silent();
    let encrypt = format!("moo-encrypt --jobs 2 --allow-weak-keys --encrypt-key {key}");
    let script = format!(
        "moo-scan src | moo-sign | moo-pack --volsize 1000 | (ulimit -d 80000; exec {encrypt}) |
            moo-upload file://$PWD/store | moo-commit"
    );
    sandbox.sh(&script).silent();
    sandbox.sh("moo restore file://$PWD/store out && cmp src/large out/large").silent();
}
