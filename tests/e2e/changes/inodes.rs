//! Files of which only the inode has changed since they were stored.

use tests::{Sandbox, Tree};

use crate::moo::Moo;

pub(super) const OLD: i64 = 1_700_000_000;

/// Files of one size and one modification time, stored in a full set.
pub(super) fn stored<'a>(sandbox: &'a Sandbox) -> (Tree, Moo<'a>) {
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["one", "two", "three"] {
        tree.file(name, &name.repeat(3000).as_bytes()[..9000]);
        tree.mtime(name, OLD, 123_456_789);
    }
    let moo = Moo::plain(sandbox);
    moo.backup("").silent();
    (tree, moo)
}

/// What `moo-scan` would do now.
pub(super) fn planned(sandbox: &Sandbox, options: &str) -> String {
    sandbox.sh(&format!("moo-scan --dry-run --archive archive {options} src")).succeeds().out()
}

#[test]
fn a_file_written_in_place_with_its_time_put_back_kept_its_old_content_and_is_stored() {
    let sandbox = Sandbox::new();
    let (tree, moo) = stored(&sandbox);
    tree.edit("one", |content| content[100] = b'Z');
    tree.mtime("one", OLD, 123_456_789);
    moo.backup("").silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -rq src out").silent();
    assert_eq!(planned(&sandbox, ""), "");
}

#[test]
fn two_files_that_swapped_names_kept_their_old_contents_and_are_stored() {
    let sandbox = Sandbox::new();
    let (_tree, moo) = stored(&sandbox);
    sandbox.sh("cd src && mv one x && mv two one && mv x two").silent();
    moo.backup("").silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -rq src out").silent();
}

#[test]
fn a_file_replaced_by_another_of_its_time_and_size_kept_its_old_content_and_is_stored() {
    let sandbox = Sandbox::new();
    let (_tree, moo) = stored(&sandbox);
    sandbox.sh("tr o 0 <src/one >new && touch -r src/one new && mv new src/one").silent();
    moo.backup("").silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -rq src out").silent();
}

#[test]
fn a_file_whose_inode_alone_has_changed_is_read_once_and_not_stored_again() {
    let sandbox = Sandbox::new();
    let (_tree, moo) = stored(&sandbox);
    sandbox.sh("chmod 600 src/two && chmod 644 src/two && sleep 0.1").silent();
    sandbox.sh("chmod 600 src/one && chmod 644 src/one && sleep 0.1").silent();
    assert_eq!(planned(&sandbox, ""), "reread   one\nreread   two\n");
    assert_eq!(planned(&sandbox, "--ignore-ctime"), "");
    moo.backup("").silent();
    sandbox.sh("zcat archive/duplicity-new-signatures.*.gz | tar t").succeeds().stdout_is("");
    for _ in 0..2 {
        assert_eq!(planned(&sandbox, ""), "");
        moo.backup("").silent();
    }
    sandbox.sh("duplicity verify --no-encryption file://$PWD/store src").succeeds();
    sandbox.sh("rm archive/.moobacker.seen").silent();
    assert_eq!(planned(&sandbox, ""), "reread   one\nreread   two\n");
}

#[test]
fn a_content_that_comes_back_later_is_not_taken_for_the_one_that_was_seen() {
    let sandbox = Sandbox::new();
    let (tree, moo) = stored(&sandbox);
    sandbox.sh("chmod 600 src/one && chmod 644 src/one && sleep 0.1").silent();
    moo.backup("").silent();
    for letter in [b'x', b'y'] {
        tree.edit("one", |content| content[7] = letter);
        tree.mtime("one", OLD, 123_456_789);
        moo.backup("").silent();
        sandbox.sh("moo restore file://$PWD/store out && diff -rq src out && rm -r out").silent();
    }
}

#[test]
fn the_inodes_are_known_after_sync_and_consolidate() {
    let sandbox = Sandbox::new();
    let (tree, moo) = stored(&sandbox);
    sandbox
        .sh("rm -r archive && moo sync --archive-dir . --name archive file://$PWD/store")
        .succeeds();
    assert_eq!(planned(&sandbox, ""), "");
    tree.noise("one", 9000);
    moo.backup("").silent();
    let consolidate = "moo consolidate --archive-dir . --name archive --no-encryption";
    sandbox.sh(&format!("{consolidate} file://$PWD/store")).succeeds();
    assert_eq!(planned(&sandbox, ""), "");
    sandbox.sh("mv src/two x && mv src/three src/two && mv x src/three").silent();
    moo.backup("").silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -rq src out && rm -r out").silent();
}
