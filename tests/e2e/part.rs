//! One file of a large backup, with and without the archive: only what holds it is read.

use std::collections::BTreeSet;
use std::fs;

use tests::damage::{find, find_all, flip, remove};
use tests::{Key, Sandbox, Tree};

use crate::moo::{Moo, stored};

/// A store of a full set and two increments, in many volumes; one file changes in each. It is
/// encrypted and sealed with a key of the sandbox's.
fn prepared(sandbox: &Sandbox) -> (Key, Tree) {
    let key = Key::open(sandbox, "Moo <moo@example.org>");
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["a", "z"] {
        tree.noise(name, 2_300_000);
    }
    tree.noise("folder/file", 70_000);
    let moo = Moo::encrypted(sandbox, &key).option(&format!("--seal-key {key} --volsize 1"));
    moo.backup("").silent();
    for day in 1..3 {
        for name in ["a", "folder/file", "z"] {
            tree.edit(name, |content| content.rotate_left(7 + day));
            tree.mtime(name, 1_700_000_000 + day as i64, 0);
        }
        tree.noise(format!("b{day}"), 1_200_000);
        moo.backup("").silent();
    }
    (key, tree)
}

/// What a command reads of the store, by name.
pub(crate) fn reads(sandbox: &Sandbox, command: &str) -> BTreeSet<String> {
    let strace = "strace -f -qq -s 4096 -o trace -e trace=openat";
    sandbox.sh(&format!("{strace} {command}")).silent();
    let trace = fs::read_to_string(sandbox.path("trace")).unwrap();
    let opened = trace.lines().filter(|line| line.contains("O_RDONLY") && !line.contains("ENOENT"));
    let names = opened.filter_map(|line| line.split('"').nth(1)?.rsplit('/').next());
    let there = sandbox.path("store");
    names
        .filter(|name| name.contains('.') && there.join(name).is_file())
        .map(str::to_owned)
        .collect()
}

/// Those among them that are volumes.
pub(crate) fn volumes(names: &BTreeSet<String>) -> BTreeSet<&str> {
    names.iter().map(String::as_str).filter(|name| name.contains(".difftar")).collect()
}

#[test]
fn a_file_comes_back_without_the_archive_from_the_volumes_that_hold_it_alone() {
    let sandbox = Sandbox::new();
    let (key, tree) = prepared(&sandbox);
    let options = format!("--seal-key {key} --path folder/file file://$PWD/store");
    let command = |name: &str, verb: &str, last: &str| {
        format!("moo {verb} --archive-dir . --name {name} {options} {last}")
    };
    let all = find_all(sandbox.path("store"), ".difftar").len();
    let with = reads(&sandbox, &command("archive", "restore", "out"));
    assert_eq!(fs::read(sandbox.path("out")).unwrap(), fs::read(tree.path("folder/file")).unwrap());
    sandbox.sh("rm out").silent();
    let without = reads(&sandbox, &command("lost", "restore", "out"));
    assert_eq!(without, with);
    assert!(volumes(&with).len() < all / 2 && volumes(&with).len() >= 3, "{with:?} of {all}");
    assert!(!with.iter().any(|name| name.contains("sigtar")), "{with:?}");
    eprintln!("{} of {all} volumes", volumes(&with).len());
    let verify = command("lost", "verify", "src/folder/file");
    assert_eq!(reads(&sandbox, &verify), with);
    assert_eq!(reads(&sandbox, &command("lost", "verify", "")), with);
    let older = stored(&sandbox).remove(0);
    let older = command("lost", "restore", &format!("older --time {older}"));
    assert_eq!(volumes(&reads(&sandbox, &older)).len(), volumes(&with).len() - 2);
    // Nothing else is needed.
    for file in find_all(sandbox.path("store"), "duplicity-") {
        let name = file.file_name().unwrap().to_str().unwrap();
        if !with.contains(name) {
            remove(&file);
        }
    }
    sandbox.sh("rm out older && mkdir tmp").silent();
    let restore = command("lost", "restore", "out");
    sandbox.sh(&format!("TMPDIR=$PWD/tmp {restore} && ls -A tmp; test ! -e lost")).silent();
    assert_eq!(fs::read(sandbox.path("out")).unwrap(), fs::read(tree.path("folder/file")).unwrap());
    let nothing = command("lost", "restore", "again").replace("folder/file", "nothing");
    sandbox.sh(&nothing).fails_with(10).one_message();
}

#[test]
fn a_damaged_manifest_is_told_of_once_and_what_needs_it_is_not_restored() {
    let sandbox = Sandbox::new();
    let (key, _tree) = prepared(&sandbox);
    let restore =
        "moo restore --archive-dir . --name lost --path folder/file file://$PWD/store out";
    let first = stored(&sandbox).remove(0);
    let manifest = find(sandbox.path("store"), &format!("duplicity-full.{first}.manifest"));
    flip(&manifest, -40);
    sandbox.sh(restore).fails_with(5).one_message();
    sandbox.sh(&restore.replace("--path", "--keep-going --path")).fails_with(5);
    flip(&manifest, -40);
    key.forget(&sandbox);
    sandbox.sh(&restore.replace(" out", " other")).fails_with(6).one_message();
}
