//! The same upload to the same store, as often as a test likes.

use tests::{Run, Sandbox, Tree};

/// A sandbox with a store of one set in `before`, the stream of an increment in `stream`, and the
/// store that has both in `after`.
pub(super) fn prepare(sandbox: &Sandbox) {
    let tree = Tree::small(sandbox.path("src"));
    let start = "moo-scan --archive archive src | moo-sign | moo-delta --archive archive |
        moo-pack --archive archive --volsize 1 | moo-encrypt --no-encryption --no-compression";
    let store = "moo-upload file://$PWD/before | moo-commit --archive archive";
    sandbox.sh(&format!("{start} | {store}")).silent();
    tree.noise("news", 100_000);
    sandbox.sh(&format!("{start} >stream && cp -a before after")).silent();
    sandbox.sh("moo-upload file://$PWD/after <stream | moo-commit").silent();
}

/// Uploads the increment to the folder `store`, which has the first set.
#[must_use = "a run proves nothing until something is asserted of it"]
pub(super) fn upload(sandbox: &Sandbox, url: &str, options: &str) -> Run {
    sandbox.sh("rm -rf store && cp -a before store").silent();
    again(sandbox, url, options)
}

/// Uploads it once more.
#[must_use = "a run proves nothing until something is asserted of it"]
pub(super) fn again(sandbox: &Sandbox, url: &str, options: &str) -> Run {
    sandbox.sh(&format!("moo-upload {options} {url} <stream >receipts"))
}

/// Both sets are there, and nothing else.
#[track_caller]
pub(super) fn is_complete(sandbox: &Sandbox) {
    sandbox.sh("diff -r after store").silent();
}

/// Nothing counts that was not there before, and what was is the same.
#[track_caller]
pub(super) fn is_as_before(sandbox: &Sandbox) {
    sandbox.sh("for file in before/*; do cmp $file store/${file#*/} || exit; done").silent();
    sandbox.sh("test $(ls store/*manifest | wc -l) = 1").silent();
}

/// Whether both sets count.
pub(super) fn has_both(sandbox: &Sandbox) -> bool {
    sandbox.sh("test $(ls store/*manifest | wc -l) = 2").status == 0
}
