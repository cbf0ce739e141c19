//! A prune that is killed after any of its removals.

use std::fs;

use tests::{Duplicity, scale, spread};

use super::sets::Chains;
use crate::moo::stored;

/// Runs `moo prune`, and kills it when it has removed so many files; tells how many it has. The
/// first call is not for any file, but asks the store whether it lets anything be removed.
fn killed(chains: &Chains, rule: &str, after: usize) -> usize {
    let inject = format!("inject=unlink,unlinkat:signal=KILL:when={}", after + 2);
    let strace = format!("strace -f -qq -o trace -e trace=unlink,unlinkat -e {inject}");
    let words = chains.words(&format!("{rule} --force"));
    let run = chains.sandbox.sh(&format!("{strace} moo-prune {}", of_program(&words)));
    let trace = fs::read_to_string(chains.sandbox.path("trace")).unwrap();
    let count = trace.lines().filter(|line| line.contains(" = 0")).count();
    assert!(count < after || run.status != 0, "{}", run.err());
    count
}

/// The words of `moo prune` as those of the program behind it.
fn of_program(words: &str) -> String {
    words.replace("--archive-dir . --name", "--archive")
}

/// Kills it at each of many removals. Each time the sets of `left`, which stay, are there for
/// everybody, and the next prune finishes.
fn at_any_moment(kinds: &[&str], rule: &str, left: &[usize]) {
    let chains = Chains::new(kinds);
    let sandbox = &chains.sandbox;
    sandbox.sh("mkdir clean && cp -a store archive clean").silent();
    let again = || sandbox.sh("rm -r store archive && cp -a clean/* .").silent();
    let all = killed(&chains, rule, 60_000);
    let done = chains.files();
    chains.has_only(left);
    let moments = spread(scale(6, all), all);
    for (count, moment) in moments.iter().enumerate() {
        again();
        assert_eq!(killed(&chains, rule, *moment), *moment);
        for index in [left[0], left[left.len() - 1]] {
            chains.comes_back(index);
            let old = (count + index) % 2 == 0;
            let peer = if old { Duplicity::old(sandbox) } else { Duplicity::new(sandbox) };
            chains.comes_back_by(peer, index);
        }
        if count % 2 == 0 {
            chains.prune(&format!("{rule} --force")).silent();
            assert_eq!(done, chains.files(), "after {moment} of {all}");
        }
        // Half of them are built upon as they are.
        chains.moo().backup("inc").silent();
        chains.moo().brings_back("now", &chains.states[chains.states.len() - 1]);
        assert!(stored(sandbox).len() > left.len());
    }
    eprintln!("killed after {} of {all} removals", moments.len());
}

#[test]
fn a_prune_of_chains_may_be_killed_after_any_removal() {
    at_any_moment(&["full", "inc", "inc", "full", "inc"], "--keep-full 1", &[3, 4]);
}

#[test]
fn a_prune_of_increments_may_be_killed_after_any_removal() {
    at_any_moment(&["full", "inc", "inc", "full", "inc"], "--keep-inc-of-full 1", &[0, 3, 4]);
}
