//! Single volumes, which moo-mount asks for.

use tests::{Sandbox, Tree};

use crate::moo::{Moo, stored};

/// A full set of several volumes, and an increment.
fn sets(sandbox: &Sandbox) -> Vec<String> {
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("much", 3_500_000);
    let moo = Moo::plain(sandbox).option("--volsize 1");
    moo.backup("").silent();
    tree.noise("new", 10);
    moo.backup("").silent();
    stored(sandbox)
}

#[test]
fn a_volume_comes_alone_with_the_seal_and_the_manifest_of_its_set() {
    let sandbox = Sandbox::new();
    let [full, inc] = sets(&sandbox).try_into().unwrap();
    let files = |options: &str| {
        let fetch = format!("moo-fetch {options} file://$PWD/store | moo-decrypt | tar t");
        sandbox.sh(&format!("{fetch} | sed -n 's|/1$||p'")).succeeds().out()
    };
    let seal = |time: &str| format!("moobacker.{time}.seal\n");
    let (set, next) = (format!("duplicity-full.{full}"), format!("duplicity-inc.{full}.to.{inc}"));
    let first = format!("{}{set}.manifest\n", seal(&full));
    let second = format!("{}{next}.manifest\n", seal(&inc));
    assert_eq!(files(&format!("--volume {full}:2")), format!("{first}{set}.vol2.difftar\n"));
    let all = format!("{first}{second}{next}.vol1.difftar\n");
    assert_eq!(files(&format!("--volume {inc}:1 --volume {full} --time {inc}")), all);
    assert_eq!(files(&format!("--volume {inc}")), second);
}

#[test]
fn a_volume_that_is_not_there_is_named_and_no_restore_is_made_of_some() {
    let sandbox = Sandbox::new();
    let [full, inc] = sets(&sandbox).try_into().unwrap();
    let fetch = |options: &str, then: &str| {
        sandbox.sh(&format!("moo-fetch {options} file://$PWD/store | moo-decrypt {then}"))
    };
    let away = fetch(&format!("--volume {full}:99"), ">away").fails_with(5).one_message();
    away.stderr_has(&format!("volume 99 of the full {full} is missing"));
    let away = fetch(&format!("--time {full} --volume {inc}:1"), ">away").fails_with(5);
    away.one_message().stderr_has(&format!("the state has no set of {inc}"));
    let away = sandbox.sh("moo-fetch --volume yesterday:1 file://$PWD/store >away");
    away.fails_with(2).one_message();
    let whole = fetch(&format!("--volume {full}:1"), "| moo-patch out").fails_with(2);
    whole.one_message().stderr_has("--volume of moo-fetch");
    sandbox.sh("! test -e out").silent();
    // A stream that was cut is none.
    let cut = format!(
        "moo-fetch --volume {full}:2 file://$PWD/store | head -c 300000 | moo-decrypt >away"
    );
    sandbox.sh(&cut).fails_with(4);
}
