//! Changes of the source that duplicity does not see.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};

use rustix::process::geteuid;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::restore;
use crate::interop::programs::{Moo, New, Old, Program, all, sample};

/// A full set of a small tree by duplicity, which we extend after the change.
fn extended(sandbox: &Sandbox, who: crate::interop::programs::Who, change: impl Fn(&Tree)) -> Tree {
    let tree = Tree::small(sandbox.path("src"));
    Program::new(sandbox, who, "--no-encryption").full("src");
    change(&tree);
    Program::new(sandbox, Moo, "--no-encryption").increment("src");
    tree
}

#[test]
fn a_new_owner_of_a_symbolic_link_was_not_seen_and_is_stored() {
    if !geteuid().is_root() {
        tests::not_tried("not root: nothing can be given away");
        return;
    }
    for who in sample(&[Old, New], 1) {
        let sandbox = Sandbox::new();
        let tree = extended(&sandbox, who, |tree| tree.owner("link", 1, 2));
        restore(&sandbox, "").silent();
        assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
    }
}

#[test]
fn a_file_that_grew_within_its_second_was_not_seen_and_is_stored() {
    for who in sample(&[Old, New], 2) {
        let sandbox = Sandbox::new();
        let tree = extended(&sandbox, who, |tree| {
            // By more than a block: that is all that its signatures tell of a size.
            tree.edit("a file", |file| file.resize(1600, 7));
        });
        restore(&sandbox, "").silent();
        assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
    }
}

#[test]
fn what_could_not_be_read_was_stored_as_deleted_and_keeps_its_state() {
    if !geteuid().is_root() {
        tests::not_tried("not root: nothing can be taken away from anybody");
        return;
    }
    for who in sample(&[Old, New], 3) {
        let sandbox = Sandbox::for_everybody();
        let tree = Tree::small(sandbox.path("src"));
        Program::new(&sandbox, who, "--no-encryption").full("src");
        let before = Snapshot::by_stock(tree.root());
        sandbox.sh("chown -R nobody:nogroup .").silent();
        for name in ["a file", "folder"] {
            chown(tree.path(name), Some(0), Some(0)).unwrap();
            let closed = Permissions::from_mode(0o700);
            std::fs::set_permissions(tree.path(name), closed).unwrap();
        }
        let backup = "exec setpriv --reuid nobody --regid nogroup --clear-groups moo backup inc \
            --archive-dir . --name archive --no-encryption src file://$PWD/store";
        let run = sandbox.sh(backup).fails_with(3);
        run.stderr_has("src/a file: permission denied").stderr_has("src/folder: permission denied");
        restore(&sandbox, "").succeeds();
        let out = Snapshot::by_stock(sandbox.path("out"));
        for name in ["a file", "folder/large", "folder/other"] {
            sandbox.sh(&format!("cmp 'src/{name}' 'out/{name}'")).silent();
        }
        assert_eq!(before.len(), out.len());
    }
}

#[test]
fn a_file_with_an_unknown_kind_of_signature_was_left_out_and_is_stored_whole() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let programs = all(&sandbox, "--no-encryption --no-compression");
    programs[1].full("src");
    crate::interop::signatures::replace(&sandbox, |name| {
        (name == "folder/large").then(|| b"rs\x01\x99\0\0\x02\0\0\0\0\x08".to_vec())
    });
    tree.edit("folder/large", |content| content[9] ^= 1);
    tree.mtime("folder/large", 1_700_000_009, 0);
    programs[0].increment("src");
    for reader in &programs {
        reader.brings_back("now", &Snapshot::by_stock(tree.root()));
    }
}
