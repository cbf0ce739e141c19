//! What goes wrong, and that it costs nothing but time.

use std::fs;
use std::thread::sleep;
use std::time::Instant;

use rustix::process::Signal;
use tests::damage::{find_all, flip};
use tests::peers::times;
use tests::{Sandbox, Snapshot, Tree, scale, spread};

use super::{consolidate, fulls, script};
use crate::faults::process::{Running, signal, until_stuck};
use crate::moo::Moo;

const OPTIONS: &str = "--no-encryption --volsize 1";

/// A full set and two increments, of a few volumes.
fn chain(sandbox: &Sandbox) -> (Moo<'_>, Tree) {
    let moo = Moo::plain(sandbox).option("--volsize 1");
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("changes", 2_500_000);
    moo.backup("").silent();
    for day in 1..3 {
        tree.edit("changes", |content| content[1_000_000 * day] ^= 1);
        tree.mtime("changes", 1_700_000_000 + day as i64, 0);
        tree.noise(format!("folder/{day}"), 1000);
        moo.backup("").silent();
    }
    sandbox.sh("mkdir clean && cp -a store archive clean").silent();
    (moo, tree)
}

fn again(sandbox: &Sandbox) {
    sandbox.sh("rm -r store archive && cp -a clean/* .").silent();
}

#[test]
fn damage_anywhere_in_the_chain_leaves_the_store_as_it_was() {
    let sandbox = Sandbox::new();
    let (_moo, _tree) = chain(&sandbox);
    let files = find_all(sandbox.path("store"), "");
    // A restore does not read the signatures.
    let needed = files.iter().filter(|file| !file.to_string_lossy().contains("signatures"));
    let needed: Vec<_> = needed.collect();
    let mut count = 0;
    for file in spread(scale(5, needed.len()), needed.len()) {
        let file = needed[file];
        flip(file, -40);
        consolidate(&sandbox, OPTIONS).fails_with(5).one_message();
        flip(file, -40);
        if file.to_string_lossy().contains("vol1") {
            fs::remove_file(file).unwrap();
            consolidate(&sandbox, OPTIONS).fails_with(5);
            fs::copy(sandbox.path("clean/store").join(file.file_name().unwrap()), file).unwrap();
        }
        count += 1;
        assert_eq!(find_all(sandbox.path("store"), ""), files);
    }
    consolidate(&sandbox, OPTIONS).silent();
    eprintln!("{count} files, each of them damaged");
}

#[test]
fn any_stage_may_be_killed_and_the_next_run_of_either_kind_needs_no_hand() {
    let sandbox = Sandbox::new();
    let (moo, tree) = chain(&sandbox);
    let state = Snapshot::kept(tree.root());
    consolidate(&sandbox, OPTIONS).silent();
    again(&sandbox);
    let begin = Instant::now();
    consolidate(&sandbox, OPTIONS).silent();
    let usual = begin.elapsed();
    let stages =
        ["fetch", "decrypt", "patch", "sign", "delta", "pack", "encrypt", "upload", "commit"];
    let moments = u32::try_from(scale(1, 8)).unwrap();
    let (mut kills, mut done) = (0, 0);
    for turn in spread(scale(4, stages.len()), stages.len()) {
        let stage = stages[turn];
        for moment in 0..moments {
            again(&sandbox);
            let mut running = Running::start(&sandbox, &script(OPTIONS));
            if let Some(process) = running.find(&format!("moo-{stage}")) {
                sleep(usual * (moment + turn as u32 % 3) / (2 * moments + 4));
                signal(process, Signal::KILL);
            }
            kills += 1;
            done += u32::from(running.wait().success());
            is_fine(&sandbox, &moo, &state, turn % 2 == 0);
        }
    }
    for moment in 0..scale(2, 20) as u32 {
        kills += 1;
        again(&sandbox);
        let running = Running::start(&sandbox, &script(OPTIONS));
        sleep(usual * (moment + 1) / (scale(2, 20) as u32 + 1));
        running.kill();
        let _ = running.wait();
        is_fine(&sandbox, &moo, &state, moment % 2 == 0);
    }
    eprintln!("{kills} kills, of which {done} came too late");
}

/// The old chain is what it was, and the next run goes through.
fn is_fine(sandbox: &Sandbox, moo: &Moo, state: &Snapshot, consolidates: bool) {
    let sets = times(sandbox.path("clean/store"));
    moo.brings_back(sets.last().unwrap(), state);
    if consolidates {
        let run = consolidate(sandbox, OPTIONS).succeeds();
        let told =
            run.err().lines().all(|line| line.ends_with("no manifest, so it is not restored"));
        assert!(told && run.out().is_empty(), "{}", run.err());
    } else {
        moo.backup("").silent();
    }
    moo.brings_back("now", state);
    assert!(find_all(sandbox.path("store"), ".upload-").is_empty(), "nothing is left there");
    assert!(find_all(sandbox.path("archive"), ".part").is_empty(), "nor there");
}

#[test]
fn a_run_that_is_killed_while_files_get_their_names_is_followed_by_one_with_another_name() {
    let sandbox = Sandbox::new();
    let (moo, tree) = chain(&sandbox);
    let state = Snapshot::kept(tree.root());
    let mut killed = 0;
    // Three volumes, the signatures, the seal, the manifest.
    for number in spread(scale(3, 6), 6).into_iter().map(|number| number + 1) {
        again(&sandbox);
        let inject = format!("inject=rename,renameat,renameat2:signal=KILL:when={number}");
        let strace =
            format!("strace -f -qq -o trace -e trace=rename,renameat,renameat2 -e {inject}");
        let run =
            "moo-fetch --receipts file://$PWD/store | moo-commit --reconcile --archive archive";
        sandbox.sh(run).succeeds();
        let pipe = format!(
            "moo-fetch file://$PWD/store | moo-decrypt | moo-replay --archive archive | \
             moo-sign | moo-delta | moo-pack --archive archive --volsize 1 | \
             moo-encrypt --no-encryption | {strace} moo-upload file://$PWD/store | \
             moo-commit --archive archive"
        );
        let before = find_all(sandbox.path("store"), "").len();
        sandbox.sh(&pipe).fails();
        assert!(find_all(sandbox.path("store"), "").len() > before, "files with temporary names");
        assert_eq!(fulls(&sandbox).len(), 1);
        is_fine(&sandbox, &moo, &state, killed % 2 == 0);
        killed += 1;
    }
    eprintln!("killed at {killed} renames");
}

#[test]
fn another_run_on_the_archive_is_told_of_and_not_disturbed() {
    let sandbox = Sandbox::new();
    let (moo, tree) = chain(&sandbox);
    let hold = "moo-scan --full --archive archive src | (until test -e go; do sleep 0.1; done)";
    let mut running = Running::start(&sandbox, hold);
    until_stuck(running.find("moo-scan").unwrap());
    let run = consolidate(&sandbox, OPTIONS).fails_with(9).one_message();
    run.stderr_has("another run has locked the archive directory");
    // Past the first look, too.
    let late = "moo-fetch file://$PWD/store | moo-decrypt | moo-replay --archive archive | \
        moo-sign >late";
    sandbox.sh(late).fails_with(9).one_message();
    running.kill();
    let _ = running.wait();
    assert_eq!(fulls(&sandbox).len(), 1);
    consolidate(&sandbox, OPTIONS).silent();
    moo.brings_back("now", &Snapshot::kept(tree.root()));
}
