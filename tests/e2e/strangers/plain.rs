//! Sets that are not encrypted in a store that is: who has no key at all can add them.

use tests::{Sandbox, Tree};

use crate::moo::{Moo, stored};

/// An encrypted store, and a plain store of somebody else in `evil`.
fn barn() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-keygen --no-passphrase key >/dev/null").silent();
    Tree::small(sandbox.path("src"));
    Moo::new(&sandbox, "--encrypt-key key.cert.pgp").backup("").silent();
    let evil = "mkdir evil-src && echo evil >evil-src/sh && chmod 4755 evil-src/sh && sleep 1.1 &&
        moo-scan evil-src | moo-sign | moo-delta | moo-pack | moo-encrypt --no-encryption |
        moo-upload file://$PWD/evil >/dev/null";
    sandbox.sh(evil).succeeds();
    sandbox
}

const RESTORE: &str =
    "moo restore --archive-dir . --name lost --secret-key key.secret.pgp file://$PWD/store out";

#[test]
fn a_full_set_that_is_not_encrypted_does_not_count_beside_those_that_are() {
    let sandbox = barn();
    sandbox.sh("cp evil/* store").silent();
    sandbox.sh(RESTORE).fails_with(3).one_message().stderr_has("is not encrypted");
    sandbox.sh("diff -r src out && rm -r out").silent();
    // A key in the keyring of GnuPG is no other.
    sandbox.sh("gpg -q --batch --import key.secret.pgp").succeeds();
    let by_gnupg = "moo restore --archive-dir . --name lost file://$PWD/store out";
    sandbox.sh(by_gnupg).fails_with(3).one_message().stderr_has("is not encrypted");
    sandbox.sh("diff -r src out && rm -r out").silent();
    let allowed = RESTORE.replace("--secret-key", "--allow-unprotected --secret-key");
    sandbox.sh(&allowed).silent();
    sandbox.sh("cat out/sh").stdout_is("evil");
}

#[test]
fn an_increment_that_is_not_encrypted_does_not_count_on_a_set_that_is() {
    let sandbox = barn();
    let time = stored(&sandbox).remove(0);
    let increment = format!(
        "for f in evil/duplicity-full.*; do t=${{f#*.}}; t=${{t%%.*}};
         cp $f store/duplicity-inc.{time}.to.$t.${{f#*.$t.}}; done"
    );
    sandbox.sh(&increment).silent();
    sandbox.sh(RESTORE).fails_with(3).stderr_has("is not encrypted");
    sandbox.sh("diff -r src out").silent();
}

#[test]
fn a_store_of_which_nothing_is_encrypted_needs_no_option_and_with_a_key_it_is_refused() {
    let sandbox = barn();
    sandbox.sh("moo restore --archive-dir . --name lost file://$PWD/evil out").silent();
    sandbox.sh("cat out/sh; rm -r out").stdout_is("evil");
    let run = sandbox.sh(&RESTORE.replace("/store", "/evil")).fails_with(5).one_message();
    run.stderr_has("--allow-unprotected");
    // A stage used alone does not let it pass either.
    let alone =
        "moo-fetch file://$PWD/evil | moo-decrypt --secret-key key.secret.pgp | moo-patch out";
    sandbox.sh(alone).fails_with(5).one_message().stderr_has("is not encrypted");
    sandbox.sh("ls -A | grep ^out").fails_with(1);
}
