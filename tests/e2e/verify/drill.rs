//! A few files that are restored to see whether they come back.

use std::fs;

use tests::damage::{find_all, flip};
use tests::{Key, Run, Sandbox, Tree};

use crate::moo::Moo;

fn drill(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh(&format!(
        "mkdir -p tmp && export TMPDIR=$PWD/tmp && moo drill --archive-dir . {options} \
         file://$PWD/store && status=0 || status=$?; ls -A tmp; exit $status"
    ))
}

#[test]
fn files_of_any_name_come_back_in_silence() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key);
    moo.backup("").silent();
    tree.day(1);
    moo.backup("").silent();
    drill(&sandbox, "--name archive").silent();
    drill(&sandbox, "--name archive --files 25 --time now").silent();
    drill(&sandbox, "--name lost --files 2").silent();
    drill(&sandbox, "--name archive --files 0").silent();
    drill(&sandbox, "--name archive --files x").fails_with(2).one_message();
    let chosen = sandbox.sh("moo list --archive-dir . --name archive --random 9 file://$PWD/store");
    let chosen = chosen.succeeds().out();
    assert!(chosen.lines().count() == 9 && chosen.lines().all(|line| line.starts_with('-')));
}

#[test]
fn files_that_do_not_come_back_are_told_of() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "moo");
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("new\nline", 10);
    Moo::new(&sandbox, "").backup("").silent();
    sandbox.unset("PASSPHRASE");
    fs::write(sandbox.path("right"), "moo\n").unwrap();
    drill(&sandbox, "--name archive --files 2 --passphrase-fd 3 3<right").silent();
    drill(&sandbox, "--name lost --files 2 --passphrase-fd 3 3<right").silent();
    fs::write(sandbox.path("wrong"), "woo\n").unwrap();
    drill(&sandbox, "--name archive --files 1 --passphrase-file wrong").fails_with(6);
    sandbox.set("PASSPHRASE", "moo");
    drill(&sandbox, "--name archive --files 99").silent();
    for volume in find_all(sandbox.path("store"), "difftar") {
        flip(volume, 200);
    }
    drill(&sandbox, "--name archive --files 1").fails_with(5).one_message();
    sandbox.sh("rm store/*").silent();
    drill(&sandbox, "--name archive --files 1").fails_with(10).one_message();
    drill(&sandbox, "--name lost").fails_with(10);
}
