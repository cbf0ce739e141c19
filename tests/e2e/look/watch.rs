//! `moo status --max-age`: the watch over a job that fails in silence.

use tests::{Sandbox, Tree};

use super::{objects, status};
use crate::moo::{Moo, stored};

#[test]
fn a_watch_is_silent_while_all_is_well_and_else_says_it_in_a_line() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    status(&sandbox, "archive", "--max-age 26h").fails_with(10).one_message();
    sandbox.sh("mkdir store").silent();
    let none = status(&sandbox, "archive", "--max-age 26h").fails_with(10).one_message();
    none.stderr_has("there is no backup");
    Moo::plain(&sandbox).backup("").silent();
    status(&sandbox, "archive", "--max-age 26h").silent();
    status(&sandbox, "lost", "--max-age=2W").silent();
    sandbox.sh("sleep 2.1").silent();
    let old = status(&sandbox, "archive", "--max-age 1s").fails_with(3).one_message();
    old.stdout_is("").stderr_has("the newest good set is of 20").stderr_has(" old (--max-age 1s)");
    let both = status(&sandbox, "archive", "--max-age 1s --json").fails_with(3).one_message();
    assert!(objects(&both)[0]["age"].as_i64().unwrap() >= 2);
    sandbox.sh("rm store/*.vol1.*").silent();
    let missing = status(&sandbox, "archive", "--max-age 26h").fails_with(5).one_message();
    missing.stdout_is("").stderr_has("volume 1 is missing");
}

#[test]
fn what_an_interrupted_run_has_left_is_no_good_set() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    sandbox.sh("sleep 2.1").silent();
    moo.backup("full").silent();
    // The second set has got neither seal nor manifest, and no archive knows that it had one.
    sandbox.sh("rm \"$(ls store/*.manifest | tail -n 1)\" \"$(ls store/*.seal | tail -n 1)\"; rm -r archive").silent();
    status(&sandbox, "archive", "--max-age 1s").fails_with(3).one_message();
    status(&sandbox, "archive", "--max-age 1h").silent();
}

#[test]
fn a_set_of_the_future_does_not_silence_the_watch() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    Moo::plain(&sandbox).backup("").silent();
    let time = stored(&sandbox).remove(0);
    let rename = format!("for f in *; do mv $f $(echo $f | sed s/{time}/20981231T235959Z/); done");
    sandbox.sh(&format!("rm -r archive && cd store && {rename}")).silent();
    let late = status(&sandbox, "archive", "--max-age 26h").fails_with(3).one_message();
    late.stdout_is("").stderr_has("later than this machine's clock");
    status(&sandbox, "archive", "").succeeds().stdout_has("is later than this machine's clock");
}
