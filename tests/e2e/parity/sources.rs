//! Right files that are elsewhere: in a second store, or under other names.

use std::fs;

use tests::damage::remove;

use super::{Protected, REPAIR, burst};

#[test]
fn a_second_store_has_what_is_too_much_for_parity() {
    let store = Protected::new("5");
    let sandbox = &store.sandbox;
    sandbox
        .sh("moo replicate --archive-dir . --name archive file://$PWD/store file://$PWD/second")
        .silent();
    for part in ["vol1.", "vol3.", "sigtar", ".seal", "manifest"] {
        remove(store.file(part));
    }
    burst(&store.file("vol2."), 0, 600_000);
    store.repair().fails_with(5);
    // A file of the copy that is damaged as well is of no use.
    sandbox.sh("printf x >> $(ls second/*vol4*)").silent();
    let run = sandbox.sh(&format!("{REPAIR} --from file://$PWD/second")).succeeds();
    assert!(run.out().contains("vol1.difftar: copied from file://"), "{}", run.out());
    store.is_whole();
    // And the other way round.
    sandbox
        .sh("moo-repair --from file://$PWD/store file://$PWD/second")
        .succeeds()
        .stdout_has("vol4.");
    sandbox.sh("diff -r store second").silent();
}

#[test]
fn without_the_archive_directory_the_seal_comes_from_the_second_store_or_from_parity() {
    let store = Protected::new("5");
    let sandbox = &store.sandbox;
    sandbox.sh("cp -r store second").silent();
    for from in ["", "--from file://$PWD/second"] {
        remove(store.file(".seal"));
        remove(store.file("manifest"));
        sandbox.sh(&format!("moo-repair {from} file://$PWD/store")).succeeds();
        store.is_whole();
    }
    for from in ["", "--from file://$PWD/second"] {
        burst(&store.file(".seal"), 40, 99);
        burst(&store.file("vol2."), 40, 99);
        sandbox.sh(&format!("moo-repair {from} file://$PWD/store")).succeeds();
        store.is_whole();
    }
}

#[test]
fn files_that_were_exchanged_or_renamed_get_their_names_back() {
    let store = Protected::new("5");
    let sandbox = &store.sandbox;
    let [one, two, three] = ["vol2.", "vol3.", "vol1."].map(|part| store.file(part));
    let same = fs::metadata(&one).unwrap().len() == fs::metadata(&two).unwrap().len();
    assert!(same, "the volumes have one size");
    let aside = sandbox.path("aside");
    for (from, to) in [(&one, &aside), (&two, &one), (&aside, &two)] {
        fs::rename(from, to).unwrap();
    }
    fs::rename(&three, sandbox.path("store/notes")).unwrap();
    fs::rename(store.file("manifest"), sandbox.path("store/.upload-1-notes")).unwrap();
    store.repair().succeeds().stdout_has("vol2.difftar: renamed");
    store.is_whole();
    // A ring of three, of which one has another size.
    let last = store.file("sigtar");
    for (from, to) in [(&one, &aside), (&last, &one), (&two, &last), (&aside, &two)] {
        fs::rename(from, to).unwrap();
    }
    sandbox.sh("moo-repair file://$PWD/store").succeeds();
    store.is_whole();
}
