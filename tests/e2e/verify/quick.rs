//! What can be checked without a secret key.

use std::collections::BTreeMap;

use tests::damage::{find, find_all, flip};
use tests::{Sandbox, Tree};

use super::{verify, with_archive};
use crate::moo::{Moo, stored};

fn barn() -> Sandbox {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox).option("--volsize 1");
    tree.noise("noise", 3_500_000);
    for day in 0..3 {
        tree.file("day", format!("{day}").as_bytes());
        moo.backup("").silent();
    }
    sandbox
}

/// The files that a run has read.
fn read(sandbox: &Sandbox, options: &str) -> Vec<String> {
    let run = verify(sandbox, &format!("--quick -v info {options}"), "").succeeds();
    let err = run.err();
    let lines = err.lines().filter_map(|line| line.strip_suffix(": intact"));
    lines.map(|line| line.trim_start_matches("moo-check: ").to_owned()).collect()
}

#[test]
fn each_file_is_read_once_in_as_many_runs_as_there_are_shares() {
    let sandbox = barn();
    let files = find_all(sandbox.path("store"), "duplicity-").len();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..4 {
        let now = read(&sandbox, "--sample 25%");
        assert!(now.len() < files, "{now:?}");
        now.into_iter().for_each(|name| *times.entry(name).or_default() += 1);
    }
    assert_eq!(times.len(), files);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert_eq!(read(&sandbox, "--sample 100").len(), files);
    assert!(read(&sandbox, "--sample 0").is_empty());
    verify(&sandbox, "--quick --sample 0", "").silent();
}

#[test]
fn damage_is_found_by_the_run_that_has_its_turn() {
    let sandbox = barn();
    let volume = find(sandbox.path("store"), "vol2.difftar");
    flip(&volume, 1000);
    let found = (0..5).filter(|_| {
        let run = sandbox
            .sh("moo verify --quick --sample 20% --archive-dir . --name archive file://$PWD/store");
        !run.err().is_empty() && run.fails_with(5).one_message().err().contains("vol2.difftar")
    });
    assert_eq!(found.count(), 1);
}

#[test]
fn what_is_missing_or_foreign_is_named_without_reading_content() {
    let sandbox = barn();
    sandbox.sh("cp -a store good").silent();
    let time = &stored(&sandbox)[1];
    for (change, words) in [
        ("rm store/*full*vol1.*", "vol1.difftar.gz: is missing"),
        ("rm store/*new-signatures*", "sigtar.gz: is missing"),
        (&*format!("rm store/*inc*{time}.manifest*"), ": is missing"),
        ("echo >store/cow", "cow: is no file of a backup"),
        ("cp store/*full*vol1.*.gz store/duplicity-full.20200101T000000Z.vol1.difftar.gz", ""),
        (
            "for f in store/*full*vol1.*; do cp $f ${f%vol1*}vol9.difftar.gz; done",
            "the seal does not name it",
        ),
        ("for f in store/*full*vol1.*; do : >$f; done", "vol1.difftar.gz: is empty"),
        ("for f in store/*vol1.*; do :; done; mv $f store/.upload-1.2.3-x", "has been renamed"),
    ] {
        sandbox.sh(change).succeeds();
        for archive in ["archive", "lost"] {
            let run = with_archive(&sandbox, archive, "--quick --sample 0", "");
            match words {
                // Without a manifest it never was a set.
                "" => drop(run.silent()),
                words => drop(run.fails_with(5).stderr_has(words)),
            }
        }
        sandbox.sh("rm -r store && cp -a good store").silent();
    }
    verify(&sandbox, "--quick --sample 5%x", "").fails_with(2).one_message();
    verify(&sandbox, "--sample 5%", "").fails_with(2).one_message();
}

#[test]
fn a_chain_of_duplicity_is_checked_against_the_archive() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("noise", 3_500_000);
    let stock = tests::Duplicity::old(&sandbox).plain().option("--volsize 1");
    stock.full("src").succeeds();
    verify(&sandbox, "--quick --sample 100%", "").silent();
    sandbox.sh("cp -a store good").silent();
    let volumes = find_all(sandbox.path("store"), "difftar");
    let last = volumes.last().unwrap().display().to_string();
    for (change, words) in [
        (format!("rm {last}"), " is missing"),
        (format!("printf x >>{last}"), "its hash differs from that in the seal"),
        ("rm store/*sigtar*".to_owned(), "its signatures are missing"),
    ] {
        sandbox.sh(&change).silent();
        let run = verify(&sandbox, "--quick --sample 100%", "");
        run.fails_with(5).one_message().stderr_has(words);
        sandbox.sh("rm -r store && cp -a good store").silent();
    }
}
