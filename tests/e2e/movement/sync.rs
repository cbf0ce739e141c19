//! The archive of a store, made or mended from it.

use std::thread::sleep;
use std::time::Duration;

use tests::damage::find_all;
use tests::{Run, Sandbox, scale, spread};

use super::kit::{Barn, with_keys};
use crate::faults::process::{Running, until_stuck};

fn sync(barn: &Barn, words: &str) -> Run {
    barn.sandbox.sh(&format!("moo sync --archive-dir . --name archive {words} file://$PWD/store"))
}

/// Increments go on in it, as if it had never been lost.
fn is_whole(barn: &Barn) {
    let fulls = find_all(barn.sandbox.path("store"), "-full.").len();
    barn.backup("");
    assert_eq!(fulls, find_all(barn.sandbox.path("store"), "-full.").len(), "an increment");
    barn.moo().brings_back("now", &tests::Snapshot::kept(barn.tree.root()));
}

#[test]
fn an_archive_is_made_again_as_a_whole_or_in_part_and_increments_go_on() {
    let (sandbox, old, _) = with_keys();
    let barn = Barn::new(sandbox, &format!("--encrypt-key {old} --seal-key old.secret.pgp"));
    barn.sandbox.sh("cp -r archive clean").silent();
    let names: Vec<_> = barn.files("clean").into_iter().map(|(name, ..)| name).collect();
    sync(&barn, "").silent();
    assert_eq!(names, barn.files("archive").into_iter().map(|(name, ..)| name).collect::<Vec<_>>());
    let some = spread(scale(4, names.len()), names.len()).into_iter().map(|n| names[n].as_str());
    for lost in some.chain(["*"]).filter(|name| *name != "lockfile") {
        barn.sandbox
            .sh(&format!("rm -r archive && cp -r clean archive && rm archive/{lost}"))
            .silent();
        sync(&barn, "--seal-key old.cert.pgp").silent();
        // Signature tars that we have not packed ourselves are plain.
        let compare =
            "for f in clean/*.manifest clean/*.seal; do cmp $f archive/${f#*/} || exit; done
            for f in clean/*.sigtar.gz; do
                a=archive/$(basename $f .gz) && { [ ! -f $a ] || gzip -dc $f | cmp - $a; } || exit
                [ -f $a ] || cmp $f $a.gz || exit
            done";
        barn.sandbox.sh(compare).silent();
    }
    eprintln!("an archive that has lost one of {} files, or all", scale(4, names.len()));
    is_whole(&barn);
}

#[test]
fn an_archive_that_knows_more_than_the_store_keeps_it_and_says_so() {
    let barn = Barn::empty(Sandbox::new(), "--no-encryption");
    barn.backup("full");
    barn.sandbox.sh("cp -r store before").silent();
    barn.backup("inc");
    let known = barn.files("archive");
    barn.sandbox.sh("mv store after && mv before store").silent();
    sync(&barn, "").fails_with(5).one_message().stderr_has("the store has lost the inc ");
    assert_eq!(known, barn.files("archive"));
    barn.sandbox.sh("rm -r store && mv after store").silent();
    sync(&barn, "").silent();
    is_whole(&barn);
}

#[test]
fn an_archive_that_others_have_left_behind_catches_up() {
    let barn = Barn::chain(Sandbox::new(), "--no-encryption");
    barn.sandbox.sh("cp -r archive behind").silent();
    barn.backup("inc");
    barn.backup("full");
    barn.sandbox.sh("rm -r archive && mv behind archive").silent();
    sync(&barn, "").silent();
    is_whole(&barn);
}

#[test]
fn the_archive_of_a_foreign_store_is_made_and_its_chain_is_gone_on_with() {
    let (sandbox, old, _) = with_keys();
    let barn = Barn::of_duplicity(sandbox, &format!("--encrypt-key {old}"));
    sync(&barn, "").silent();
    let backup = "moo backup inc --archive-dir . --name archive --allow-source-mismatch";
    barn.sandbox.sh(&format!("{backup} --encrypt-key {old} src file://$PWD/store")).silent();
}

#[test]
fn a_sync_that_is_killed_at_any_moment_is_made_up_for_by_the_next() {
    let barn = Barn::chain(Sandbox::new(), "--no-encryption");
    let moments = scale(3, 40);
    for moment in 0..moments {
        barn.sandbox.sh("rm -r archive").silent();
        let script = "exec moo sync --archive-dir . --name archive file://$PWD/store";
        let running = Running::start(&barn.sandbox, script);
        sleep(
            Duration::from_millis(180) * u32::try_from(moment).unwrap()
                / u32::try_from(moments).unwrap(),
        );
        running.kill();
        running.wait();
        sync(&barn, "").silent();
        assert!(find_all(barn.sandbox.path("archive"), ".upload-").is_empty());
    }
    eprintln!("killed at {moments} moments");
    is_whole(&barn);
}

#[test]
fn an_archive_that_a_run_holds_is_left_alone() {
    let barn = Barn::chain(Sandbox::new(), "--no-encryption");
    // More than fits into a pipe.
    barn.sandbox.sh("head -c 3000000 /dev/urandom >src/large").silent();
    let holder = "moo-scan --archive archive src | sleep 600";
    let mut running = Running::start(&barn.sandbox, holder);
    until_stuck(running.find("moo-scan").unwrap());
    sync(&barn, "").fails_with(9).one_message();
    running.kill();
    running.wait();
}
