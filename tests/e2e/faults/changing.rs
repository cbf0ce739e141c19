//! A source that changes while it is read.

mod blocks;
mod living;
mod names;
mod writers;

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::process::{Running, until_stuck};
use crate::captured::Pipe;
use crate::moo::Moo;

/// Backs up while `change` happens to the tree, at the moment at which moo-scan is in the middle
/// of the file `large`. Returns the exit status and what was said.
fn backup_while(sandbox: &Sandbox, change: impl FnOnce()) -> (i32, String) {
    let scan = "moo-scan --archive archive src | (until test -e go; do sleep 0.02; done; exec cat)";
    let script = Pipe::backup().with("moo-scan", scan).script();
    let mut running = Running::start(sandbox, &format!("({script}) 2>said"));
    until_stuck(running.find("moo-scan").unwrap());
    change();
    File::create(sandbox.path("go")).unwrap();
    let status = running.wait().code().unwrap();
    fs::remove_file(sandbox.path("go")).unwrap();
    (status, fs::read_to_string(sandbox.path("said")).unwrap())
}

/// A tree with a file that fills the pipe, and files before and after it.
fn tree(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 3_000_000);
    for name in ["a", "z1", "z2", "z3", "z4/below"] {
        tree.noise(name, 1000);
    }
    tree
}

/// Everything but what has changed comes back, both now and after the next backup all does.
fn the_rest_comes_back(sandbox: &Sandbox, before: Snapshot, changed: &[&str]) {
    let moo = Moo::plain(sandbox);
    moo.restore("").silent();
    let restored = Snapshot::kept(sandbox.path("out"));
    assert_same(&before.without(changed), &restored.without(changed));
    sandbox.remove("out");
    moo.backup("inc").silent();
    moo.brings_back("now", &Snapshot::kept(sandbox.path("src")));
}

/// The folders above have changed as well, where names come and go.
const ROOT: &str = ".";

#[test]
fn a_file_that_shrinks_is_named_and_what_was_read_of_it_is_stored() {
    for increment in [false, true] {
        let sandbox = Sandbox::new();
        let tree = tree(&sandbox);
        if increment {
            Moo::plain(&sandbox).backup("").silent();
            tree.edit("large", |content| content.reverse());
            tree.mtime("large", 1_700_000_001, 0);
        }
        let before = Snapshot::kept(tree.root());
        let file = tree.path("large");
        let shrink =
            || OpenOptions::new().write(true).open(file).unwrap().set_len(2_500_000).unwrap();
        let (status, said) = backup_while(&sandbox, shrink);
        assert_eq!((status, said.lines().count()), (3, 1), "{said}");
        assert!(said.contains("src/large: shrank by 500000 bytes"), "{said}");
        the_rest_comes_back(&sandbox, before, &["large"]);
    }
}

#[test]
fn a_file_that_only_grows_is_stored_as_it_was_without_a_word() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    let file = tree.path("large");
    let grow = || OpenOptions::new().append(true).open(file).unwrap().write_all(&[7; 9]).unwrap();
    let (status, said) = backup_while(&sandbox, grow);
    assert_eq!((status, said.as_str()), (0, ""));
    the_rest_comes_back(&sandbox, before, &[]);
}

#[test]
fn a_file_that_is_written_in_place_is_named() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    let (status, said) = backup_while(&sandbox, || {
        let mut file = OpenOptions::new().write(true).open(tree.path("large")).unwrap();
        file.write_all(b"new at its start").unwrap();
    });
    assert_eq!((status, said.lines().count()), (3, 1), "{said}");
    assert!(said.contains("src/large: was changed while it was read"), "{said}");
    the_rest_comes_back(&sandbox, before, &["large"]);
}

#[test]
fn a_file_that_is_written_in_place_and_grows_too_is_named() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    let (status, said) = backup_while(&sandbox, || {
        let mut file = OpenOptions::new().write(true).open(tree.path("large")).unwrap();
        file.write_all(b"new at its start").unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"new at its end").unwrap();
    });
    assert_eq!((status, said.lines().count()), (3, 1), "{said}");
    assert!(said.contains("src/large: was changed while it was read"), "{said}");
    the_rest_comes_back(&sandbox, before, &["large"]);
}

#[test]
fn a_file_that_is_written_in_place_is_named_though_its_time_is_put_back() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    let (status, said) = backup_while(&sandbox, || {
        // It stays as long as it is, and as old.
        tree.edit("large", |content| content[0] ^= 1);
    });
    assert_eq!(before.len(), Snapshot::kept(tree.root()).len());
    assert_eq!((status, said.lines().count()), (3, 1), "{said}");
    assert!(said.contains("src/large: was changed while it was read"), "{said}");
    the_rest_comes_back(&sandbox, before, &["large"]);
}

#[test]
fn a_file_of_which_only_mode_or_owner_change_is_stored_without_a_word() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    let (status, said) = backup_while(&sandbox, || tree.mode("large", 0o600));
    assert_eq!((status, said.as_str()), (0, ""));
    the_rest_comes_back(&sandbox, before, &[]);
}

#[test]
fn a_file_whose_name_is_given_to_another_is_read_to_its_end() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    let (status, said) = backup_while(&sandbox, || {
        fs::write(sandbox.path("other"), b"another file").unwrap();
        fs::rename(sandbox.path("other"), tree.path("large")).unwrap();
    });
    assert_eq!((status, said.as_str()), (0, ""));
    the_rest_comes_back(&sandbox, before, &[]);
}

#[test]
fn what_vanishes_or_turns_into_something_else_is_named() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let before = Snapshot::kept(tree.root());
    let (status, said) = backup_while(&sandbox, || {
        fs::remove_file(tree.path("z1")).unwrap();
        fs::remove_file(tree.path("z2")).unwrap();
        fs::create_dir(tree.path("z2")).unwrap();
        fs::write(tree.path("z2/below"), b"moo").unwrap();
        tree.fifo("z3");
        fs::remove_dir_all(tree.path("z4")).unwrap();
    });
    assert_eq!((status, said.lines().count()), (3, 2), "{said}");
    assert!(said.contains("src/z1: no such file") && said.contains("src/z4: no such file"));
    the_rest_comes_back(&sandbox, before, &[ROOT, "z1", "z2", "z3", "z4"]);
}

#[test]
fn what_vanishes_from_the_source_of_an_increment_keeps_its_last_state_until_the_next() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.edit("large", |content| content.reverse());
    tree.mtime("large", 1_700_000_001, 0);
    let before = Snapshot::kept(tree.root());
    let (status, said) = backup_while(&sandbox, || {
        fs::remove_file(tree.path("z1")).unwrap();
        fs::remove_dir_all(tree.path("z4")).unwrap();
    });
    assert_eq!((status, said.lines().count()), (3, 2), "{said}");
    the_rest_comes_back(&sandbox, before, &[]);
}
