//! Increments after the selection has changed.

use tests::{Duplicity, Run, Sandbox, Snapshot, assert_same};

use super::tree;
use crate::moo::stored;

/// A backup by the programs themselves, with options for `moo-scan`.
fn backup(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh(&format!(
        "mkdir -p store; moo-scan --archive archive {options} src | moo-sign |
            moo-delta --archive archive | moo-pack --archive archive |
            moo-encrypt --no-encryption | moo-upload file://$PWD/store | moo-commit --archive archive"
    ))
}

#[test]
fn what_is_no_longer_selected_counts_as_deleted_and_is_new_again_later() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    backup(&sandbox, "").silent();
    let whole = Snapshot::kept(tree.root());
    let preview = "moo-scan --dry-run --archive archive --exclude src/c src";
    let gone = "deleted  c\ndeleted  c/.nobackup\ndeleted  c/b\ndeleted  c/b/dangling\n\
        deleted  c/b/f\ndeleted  c/empty\ndeleted  c/h";
    sandbox.sh(preview).succeeds().stdout_is(gone);
    backup(&sandbox, "--exclude src/c").silent();
    sandbox.sh(preview).silent();
    sandbox
        .sh("moo-scan --dry-run --archive archive src")
        .stdout_is(&gone.replace("deleted ", "new     "));
    backup(&sandbox, "").silent();
    let states = [whole.clone(), whole.clone().without(&["c"]), whole];
    for (time, state) in stored(&sandbox).iter().zip(&states) {
        Duplicity::new(&sandbox).plain().restore_at(time, "out").succeeds();
        assert_same(&state.clone().as_stock(), &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
    }
}

#[test]
fn what_cannot_be_read_is_no_trouble_where_it_is_left_out() {
    let sandbox = Sandbox::for_everybody();
    tree(&sandbox);
    sandbox.sh("chmod 0 src/c/b src/a/g; chown -R nobody . && chmod 755 .").silent();
    let scan = |options: &str| {
        let scan = format!("moo-scan --dry-run {options} src");
        sandbox.sh(&format!("setpriv --reuid nobody --clear-groups {scan}"))
    };
    scan("--exclude src/c --exclude src/a/g").succeeds().stderr_is("");
    // Nobody knows whether there is something to include.
    let run = scan("--include src/c/b/f --exclude '**'").fails_with(3).one_message();
    run.stderr_has("src/c/b: permission denied").stdout_has("new      c/b");
}
