//! A few files that are restored to see whether they come back.

use std::fs;

use tests::damage::{find_all, flip};
use tests::{Duplicity, Key, Run, Sandbox, Tree};

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

#[test]
fn files_of_the_source_that_say_that_they_are_the_same_are_the_same() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let odd = "folder/new\nline \\ $HOME";
    tree.noise(odd, 1000);
    Moo::plain(&sandbox).backup("").silent();
    drill_of(&sandbox, "src").silent();
    let flip_in_place = |name: &str| {
        let before = fs::metadata(tree.path(name)).unwrap().modified().unwrap();
        flip(tree.path(name), 100);
        let file = fs::File::options().write(true).open(tree.path(name)).unwrap();
        file.set_modified(before).unwrap();
    };
    flip_in_place(odd);
    flip_in_place("folder/large");
    let line = "M content              folder/large\nM content              \
        folder/new\\x0aline \\x5c $HOME";
    drill_of(&sandbox, "src").fails_with(3).stderr_is("").stdout_is(line);
    // What has changed, or is not there, is passed over.
    tree.edit("folder/large", |content| content[0] ^= 1);
    tree.mtime("folder/large", 1_700_000_001, 0);
    tree.edit("a file", |content| content.push(7));
    tree.symlink(odd, "a file");
    tree.remove("folder/other");
    drill_of(&sandbox, "src").silent();
    drill_of(&sandbox, "nowhere").fails_with(2).one_message();
    drill_of(&sandbox, "src src").fails_with(2).one_message();
    // The store is at fault.
    for volume in find_all(sandbox.path("store"), "difftar") {
        flip(volume, 200);
    }
    drill_of(&sandbox, "src").fails_with(5);
}

#[test]
fn a_source_that_is_a_file_is_drilled_too_and_one_of_duplicity_as_well() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("src"), [7; 1000]).unwrap();
    Duplicity::old(&sandbox).plain().full("src").succeeds();
    drill_of(&sandbox, "src").silent();
    sandbox.sh("touch -r src then && printf 8 | dd of=src conv=notrunc status=none && touch -r then src")
        .silent();
    drill_of(&sandbox, "src").fails_with(3).stderr_is("").stdout_is("M content              .");
}

/// A drill of all files beside a source.
fn drill_of(sandbox: &Sandbox, source: &str) -> Run {
    sandbox.sh(&format!(
        "mkdir -p tmp && export TMPDIR=$PWD/tmp && moo drill --archive-dir . --name archive \
         --files 99 file://$PWD/store {source} && status=0 || status=$?; ls -A tmp; exit $status"
    ))
}
