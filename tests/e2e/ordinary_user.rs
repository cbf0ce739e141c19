//! Restores by who is not root: what only root can give back is told, the rest is as it was.

use tests::{Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

/// Restores the plain store as a user who is not root, into `home/out`.
fn as_nobody(sandbox: &Sandbox) -> Run {
    sandbox.sh("chmod -R a+rX store && mkdir home && cd home &&
        if [ $(id -u) = 0 ]; then
            chown nobody:nogroup . && run='setpriv --reuid nobody --regid nogroup --clear-groups'
        fi
        TMPDIR=$PWD XDG_STATE_HOME=$PWD $run moo restore file://$PWD/../store out; status=$?
        ls -A | grep -v out; exit $status")
}

#[test]
fn who_is_not_root_gets_everything_but_owners_and_devices() {
    let sandbox = Sandbox::for_everybody();
    if !rustix::process::geteuid().is_root() {
        tests::not_tried("not root: there is nobody else to restore as");
        return;
    }
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("closed/below/file", 100_000);
    tree.noise("closed/goes", 10);
    tree.noise("plain", 10);
    tree.noise("setuid", 10);
    tree.owner("setuid", 1, 1);
    tree.mode("setuid", 0o6755);
    tree.mode("plain", 0o640);
    tree.folder("sticky");
    tree.mode("sticky", 0o1777);
    tree.symlink("link", "plain");
    tree.fifo("fifo");
    tree.char_device("null\x1b", 1, 3);
    tree.mode("closed/below", 0o500);
    tree.mode("closed", 0o555);
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.edit("closed/below/file", |content| content.truncate(50_000));
    tree.remove("closed/goes");
    tree.mode("closed/below", 0o500);
    tree.mode("closed", 0o500);
    moo.backup("").silent();
    let run = as_nobody(&sandbox).fails_with(3).stdout_is("");
    let err = run.err();
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.contains("could not restore: the owner of "), "{err}");
    assert!(err.contains(" objects, 1 device (run as root to restore them; "), "{err}");
    let out = sandbox.path("home/out");
    sandbox.sh("test \"$(stat -c %a home/out/setuid)\" = 755").silent();
    sandbox.sh("test \"$(find home/out ! -user nobody)\" = ''").silent();
    sandbox.sh("chown -hR 0:0 home/out src && chmod 755 home/out/setuid src/setuid").silent();
    sandbox.sh("chmod 700 home/out/closed; chmod 700 src/closed").silent();
    assert_same(&Snapshot::kept(tree.root()).without(&["null\x1b"]), &Snapshot::kept(out));
}

#[test]
fn who_owns_all_of_a_backup_restores_it_in_silence() {
    let sandbox = Sandbox::for_everybody();
    let tree = Tree::small(sandbox.path("src"));
    if rustix::process::geteuid().is_root() {
        sandbox.sh("chown -hR nobody:nogroup src").silent();
    }
    tree.mode("folder/other", 0o555);
    tree.mode("folder", 0o500);
    let state = Snapshot::kept(tree.root());
    Moo::plain(&sandbox).backup("").silent();
    as_nobody(&sandbox).silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("home/out")));
}
