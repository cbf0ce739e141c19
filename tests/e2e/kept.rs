//! What a restore brings back beyond content, names, modes and times.

use rustix::process::geteuid;
use tests::{Duplicity, Sandbox, Snapshot, assert_same};

use crate::moo::stored;

mod attributes;
mod capacity;
mod holes;
pub(crate) mod links;
mod owners;
mod users;

/// Whether this is root; else it is said that something is not tried.
fn is_root() -> bool {
    let root = geteuid().is_root();
    if !root {
        tests::not_tried("not root: what only root can keep");
    }
    root
}

/// Both duplicities restore each state of an unencrypted store, and complain of nothing.
fn stock_restores(sandbox: &Sandbox, states: &[Snapshot]) {
    let peers =
        [Duplicity::old(sandbox).archive("lost1"), Duplicity::new(sandbox).archive("lost2")];
    for peer in peers {
        let peer = peer.plain();
        for (time, state) in stored(sandbox).iter().zip(states) {
            peer.restore_at(time, "stock").succeeds().stderr_is("");
            let found = Snapshot::of(sandbox.path("stock")).as_stock();
            assert_same(&state.clone().as_stock(), &found);
            sandbox.remove("stock");
        }
        let src = peer.verify("src").succeeds();
        drop(src.stderr_is("").stdout_has(", 0 difference"));
    }
}
