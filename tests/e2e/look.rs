//! What there is to see of backups: `moo status` and `moo list`.

mod changes;
mod entries;
mod fetched;
mod find;
mod schema;
mod status;
mod versions;
mod watch;
mod wrong;

use serde_json::Value;
use tests::{Run, Sandbox};

/// `moo status` of the folder `store`, with that archive.
#[must_use = "a run proves nothing until something is asserted of it"]
fn status(sandbox: &Sandbox, archive: &str, options: &str) -> Run {
    let shared = format!("--archive-dir . --name {archive}");
    sandbox.sh(&format!("moo status {shared} {options} file://$PWD/store"))
}

/// `moo list` of the folder `store`, with that archive.
#[must_use = "a run proves nothing until something is asserted of it"]
fn list(sandbox: &Sandbox, archive: &str, options: &str, paths: &str) -> Run {
    let shared = format!("--archive-dir . --name {archive}");
    sandbox.sh(&format!("moo list {shared} {options} file://$PWD/store {paths}"))
}

/// The paths that a listing with --null has, in their order.
fn paths(run: &Run) -> Vec<Vec<u8>> {
    let (last, paths) = run.stdout.split_last().expect("a listing");
    assert_eq!(*last, 0, "{}", run.err());
    paths.split(|&b| b == 0).map(<[u8]>::to_vec).collect()
}

/// Lines of JSON.
fn objects(run: &Run) -> Vec<Value> {
    run.out().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// A value as text.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Three sets of a source in `src`, not encrypted: its folder `new 0` is there from the first one,
/// `new 1` from the second and so on. The full set has several volumes.
fn three_sets(sandbox: &Sandbox) -> crate::moo::Moo<'_> {
    let tree = tests::Tree::small(sandbox.path("src"));
    tree.noise("much", 3_500_000);
    let moo = crate::moo::Moo::plain(sandbox).option("--volsize 1");
    for day in 0..3 {
        tree.noise(format!("new {day}/file"), 100);
        moo.backup("").silent();
    }
    moo
}
