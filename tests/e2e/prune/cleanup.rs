//! What nobody needs any more, and what only looks so.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use tests::damage::find_all;
use tests::{Snapshot, Tree};

use super::sets::Chains;
use crate::faults::process::{Running, signal, until_stuck};

#[test]
fn leftovers_go_and_what_is_not_ours_is_named() {
    let chains = Chains::new(&["full", "inc", "full", "inc"]);
    let files = chains.files();
    let [first, _, third, fourth] = [0, 1, 2, 3].map(|index| &chains.times[index]);
    let leave = format!(
        "cd store
        touch .upload-1a2b.3.0-duplicity-full.{first}.vol7.difftar.gz .upload-1.2.3-moobacker.x
        touch duplicity-inc.{fourth}.to.20380101T000000Z.vol1.difftar.gz
        touch duplicity-inc.20200101T000000Z.to.20200102T000000Z.manifest
        touch moobacker.20200102T000000Z.seal moobacker.20210102T000000Z.seal
        touch ../archive/.duplicity-inc.{fourth}.to.20380101T000000Z.manifest.part
        touch ../archive/.commit-x1 notes.txt duplicity-full.{third}.manifest.bak"
    );
    chains.sandbox.sh(&leave).silent();
    let told = chains.cleanup("").succeeds().out();
    assert_eq!(told.lines().filter(|line| line.starts_with("remove ")).count(), 7, "{told}");
    for foreign in ["notes.txt", &format!("duplicity-full.{third}.manifest.bak")] {
        assert!(told.contains(&format!("keep    {foreign}, 0 B: not ours\n")), "{told}");
    }
    chains.cleanup("--force").silent();
    chains.sandbox.sh("rm store/notes.txt store/*.bak").silent();
    assert_eq!(files, chains.files());
    chains.cleanup("").succeeds().stdout_is("nothing would go");
    chains.has_only(&[0, 1, 2, 3]);
}

#[test]
fn what_the_store_has_lost_is_damage_and_no_leftover() {
    let chains = Chains::new(&["full", "inc", "inc"]);
    let manifest = format!("store/duplicity-full.{}.manifest", chains.times[0]);
    chains.sandbox.sh(&format!("mv {manifest} .")).silent();
    let told = chains.cleanup("").succeeds().stdout_has("nothing would go").out();
    assert_eq!(told.matches("the store has lost files of its chain").count(), 3, "{told}");
    let files = chains.files();
    chains.cleanup("--force").silent();
    chains.prune("--older-than now --force").silent();
    assert_eq!(files, chains.files());
    chains.sandbox.sh(&format!("mv duplicity-full.* {manifest}")).silent();
    chains.has_only(&[0, 1, 2]);
}

#[test]
fn nothing_of_a_run_that_is_going_on_is_touched() {
    let chains = Chains::new(&["full", "full"]);
    let tree = Tree::small(chains.sandbox.path("more"));
    tree.noise("large", 3_000_000);
    let waits = "moo-scan --archive archive more --full --allow-source-mismatch |
        (until test -e go; do sleep 0.02; done; cat >/dev/null)";
    let mut running = Running::start(&chains.sandbox, waits);
    until_stuck(running.find("moo-scan").unwrap());
    let held = "another run has locked the archive directory";
    for run in
        [chains.prune("--keep-full 1 --force"), chains.cleanup("--force"), chains.cleanup("")]
    {
        run.fails_with(9).one_message().stderr_has(held);
    }
    File::create(chains.sandbox.path("go")).unwrap();
    assert!(running.wait().success());
    chains.prune("--keep-full 1 --force").silent();
    chains.has_only(&[1]);
}

#[test]
fn what_a_killed_backup_has_left_goes_when_it_is_asked_for_and_the_next_one_works() {
    let chains = Chains::new(&["full"]);
    let noise = "head -c 9000000 /dev/urandom >src/large";
    chains.sandbox.sh(noise).silent();
    let words = chains.words("--no-encryption --volsize 1");
    let script = format!("moo backup {}", words.replace(" file:", " src file:"));
    let mut running = Running::start(&chains.sandbox, &script);
    let upload = running.find("moo-upload").unwrap();
    while find_all(chains.sandbox.path("store"), ".upload-").len() < 3 {
        sleep(Duration::from_millis(1));
    }
    signal(upload, Signal::KILL);
    running.wait();
    let told = chains.cleanup("").succeeds().stdout_has("left by an interrupted run");
    told.stdout_has("which the next backup could resume");
    chains.cleanup("--force").silent();
    assert!(find_all(chains.sandbox.path("store"), ".upload-").is_empty());
    let left = fs::read_dir(chains.sandbox.path("archive")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.starts_with('.')).count(), 0);
    chains.moo().backup("inc").silent();
    chains.moo().brings_back("now", &Snapshot::kept(chains.sandbox.path("src")));
}
