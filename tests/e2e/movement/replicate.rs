//! Copies of a store as it is.

use std::fs;

use tests::Sandbox;
use tests::damage::{find_all, flip, remove};

use super::kit::{Barn, with_keys};

#[test]
fn a_copy_has_all_states_for_everybody_and_a_second_run_neither_reads_nor_sends_what_is_there() {
    let (sandbox, old, _) = with_keys();
    let barn = Barn::new(
        sandbox,
        &format!("--encrypt-key {old} --seal-key old.secret.pgp --sign-key {old}"),
    );
    barn.sandbox.sh("gpg --batch --export-secret-keys >secret && mv .gnupg hidden").succeeds();
    barn.copy("replicate").silent();
    barn.sandbox.sh("rm -rf .gnupg && mv hidden .gnupg && diff -r store copy").silent();
    let first = barn.files("copy");
    barn.backup("inc");
    // Who reads an old file fails.
    barn.sandbox.sh("cp -r store whole").silent();
    for (name, ..) in &first {
        fs::write(barn.sandbox.path("store").join(name), "spoilt").unwrap();
    }
    barn.copy("replicate").silent();
    barn.copy("replicate").silent();
    barn.sandbox.sh("rm -r store && mv whole store && diff -r store copy").silent();
    let second = barn.files("copy");
    assert!(first.iter().all(|file| second.contains(file)), "sent again");
    // It is the same, byte for byte, and so it is for everybody.
    barn.is_in("copy", "--seal-key old.cert.pgp");
}

#[test]
fn a_foreign_store_is_copied_and_a_gap_in_it_is_noticed() {
    let barn = Barn::of_duplicity(Sandbox::new(), "--no-encryption");
    barn.copy("replicate").silent();
    barn.is_in("copy", "");
    barn.sandbox.remove("copy");
    remove(&find_all(barn.sandbox.path("store"), "vol1.")[0]);
    barn.copy("replicate").fails_with(5).one_message().stderr_has(": volume 1 is missing");
    assert!(barn.files("copy").is_empty());
}

#[test]
fn damage_at_the_source_is_named_and_nothing_of_its_set_gets_a_name() {
    let barn = Barn::chain(Sandbox::new(), "--no-encryption");
    let names = barn.named("store", 1);
    assert!(names.len() > 3, "{names:?}");
    barn.sandbox.sh("mkdir spare && cp store/* spare").silent();
    for name in &names {
        let path = barn.sandbox.path("store").join(name);
        if name.ends_with(".seal") {
            fs::write(&path, "no seal").unwrap();
        } else {
            flip(&path, -20);
        }
        let run = barn.copy("replicate").fails_with(5).one_message().stderr_has(name);
        assert!(barn.named("copy", 1).is_empty(), "{}", run.err());
        assert_eq!(barn.named("copy", 0), barn.named("store", 0));
        assert!(find_all(barn.sandbox.path("copy"), ".upload-").is_empty());
        let manifest = name.ends_with("manifest");
        if !manifest && !name.ends_with(".seal") {
            remove(&path);
            barn.copy("replicate").fails_with(5).one_message().stderr_has("the seal names it");
        }
        barn.sandbox.sh("cp spare/* store").silent();
    }
    barn.copy("replicate").silent();
    barn.is_in("copy", "");
}

#[test]
fn what_cannot_be_copied_is_said() {
    let barn = Barn::empty(Sandbox::new(), "--no-encryption");
    barn.copy("replicate").fails_with(10).one_message();
    let same = "moo replicate file://$PWD/store file://$PWD/store/";
    barn.sandbox.sh(same).fails_with(2).one_message().stderr_has("is both");
    barn.sandbox.sh("moo replicate file:///x").fails_with(2).one_message();
    barn.sandbox.sh("moo rekey file:///x file:///y").fails_with(6).one_message();
    barn.sandbox.sh("mkdir store && echo >copy").silent();
    barn.copy("replicate").fails_with(7).one_message();
}
