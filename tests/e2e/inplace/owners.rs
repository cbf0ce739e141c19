//! Destinations of other users: what they could still change is not kept.

use std::os::unix::fs::MetadataExt;

use rustix::process::geteuid;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::{fetched, is_whole, restore};
use crate::moo::Moo;

/// A store of a small tree, restored by root into `out`; none if this is not root.
fn restored() -> Option<(Sandbox, Tree)> {
    if !geteuid().is_root() {
        tests::not_tried("not root: there is nobody else");
        return None;
    }
    let sandbox = Sandbox::for_everybody();
    let tree = Tree::small(sandbox.path("src"));
    tree.file("shared", b"shared");
    tree.mode("shared", 0o666);
    tree.file("nobodys", b"nobodys");
    tree.owner("nobodys", 65534, 65534);
    Moo::plain(&sandbox).backup("").silent();
    sandbox.sh(&restore("")).silent();
    Some((sandbox, tree))
}

#[test]
fn a_file_that_another_user_may_have_opened_for_writing_is_made_anew() {
    let Some((sandbox, _)) = restored() else { return };
    let number = |name: &str| std::fs::metadata(sandbox.path("out").join(name)).unwrap().ino();
    for (change, name, stays) in [
        ("chown 65534 out/folder/other", "folder/other", false),
        ("chmod o+w out/folder/other", "folder/other", false),
        ("chmod g+w out/folder/other", "folder/other", false),
        ("chmod a-r out/folder/other", "folder/other", true),
        ("chmod o-w out/shared", "shared", true),
        ("chown 0:0 out/nobodys", "nobodys", true),
        ("chown 1:1 out/nobodys", "nobodys", false),
        ("chown -R 0:0 out", "nobodys", true),
    ] {
        let before = number(name);
        sandbox.sh(change).silent();
        sandbox.sh(&restore("--merge")).silent();
        is_whole(&sandbox);
        assert_eq!(number(name) == before, stays, "{change}");
    }
}

#[test]
fn a_file_elsewhere_does_not_get_metadata_through_a_link_at_the_destination() {
    let Some((sandbox, _)) = restored() else { return };
    sandbox
        .sh("mv out/folder/other elsewhere && chmod 600 elsewhere && ln elsewhere out/folder/other &&
            cp -p out/folder/large outside && chmod 4700 outside && rm out/folder/large &&
            ln -s ../../outside out/folder/large && touch -r src/folder out/folder")
        .silent();
    let before = Snapshot::of(sandbox.path("elsewhere"));
    let outside = Snapshot::of(sandbox.path("outside"));
    assert_eq!(fetched(&sandbox, "--merge").len(), 1);
    assert_same(&before, &Snapshot::of(sandbox.path("elsewhere")));
    assert_same(&outside, &Snapshot::of(sandbox.path("outside")));
    is_whole(&sandbox);
}

#[test]
fn who_is_not_root_keeps_files_of_his_own_only() {
    let Some((sandbox, _)) = restored() else { return };
    let user = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    sandbox.sh("chmod -R a+rX store && mkdir -m 777 theirs && mkdir -m 777 theirs/tmp").silent();
    let merge = format!(
        "{user} env TMPDIR=$PWD/theirs/tmp HOME=$PWD/theirs moo restore --merge file://$PWD/store theirs/out"
    );
    for _ in 0..2 {
        sandbox.sh(&merge).fails_with(3).stderr_has("could not restore: the owner of");
        sandbox.sh("diff -r src theirs/out && ls -A theirs | grep moo-").fails_with(1);
    }
    sandbox.sh("chown 0:0 theirs/out/shared && chmod 644 theirs/out/shared").silent();
    sandbox.sh(&merge).fails_with(3);
    sandbox.sh("stat -c %u:%a theirs/out/shared").stdout_is("65534:666");
}
