//! Manifests and signature tars changed at random: an increment that succeeds restores, and
//! nothing panics.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use tests::damage::find;
use tests::{Sandbox, Snapshot, Tree};

use super::{is_restored_or_refused, runner};
use crate::moo::Moo;

/// A change: where, how many bytes go, and what comes.
type Change = (Index, usize, Vec<u8>);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let words =
        ["", "\n", " ", "\"", "\\x2", "..", "/", "0", "9999999999", "Volume 2:\n", "Hash", "\0"];
    let word = prop::sample::select(words.map(|word| word.as_bytes().to_vec()).to_vec());
    let new = prop_oneof![word, prop::collection::vec(any::<u8>(), 0..5)];
    prop::collection::vec((any::<Index>(), 0usize..9, new), 1..4)
}

fn changed(whole: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for (at, gone, new) in changes {
        let at = at.index(bytes.len() + 1);
        // As many bytes as come, or some other number.
        let gone = if *gone < 6 { new.len() } else { gone - 6 };
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, new.iter().copied());
    }
    bytes
}

/// A sandbox with a plain full set of a small tree, without its seal.
fn backed_up() -> (Sandbox, Tree) {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir outside && echo moo >outside/canary").silent();
    let tree = Tree::small(sandbox.path("src"));
    Moo::new(&sandbox, "--no-encryption --no-compression").backup("").silent();
    (sandbox, tree)
}

fn restore(file: &Path, bytes: &[u8]) {
    fs::write(file, bytes).unwrap();
}

#[test]
fn whatever_is_changed_in_a_manifest_it_is_refused_or_restores() {
    let (sandbox, _tree) = backed_up();
    sandbox.sh("rm -r store/*.seal archive src").silent();
    let file = find(sandbox.path("store"), "manifest");
    let whole = fs::read(&file).unwrap();
    sandbox.sh("chmod -R u+w store").silent();
    let result = runner(50, 10_000).run(&changes(), |changes| {
        restore(&file, &changed(&whole, &changes));
        is_restored_or_refused(&sandbox).map(drop)
    });
    result.unwrap();
}

#[test]
fn whatever_is_changed_in_the_signatures_here_an_increment_is_refused_or_restores() {
    let (sandbox, tree) = backed_up();
    tree.edit("folder/large", |content| content[100_000] ^= 1);
    tree.mtime("folder/large", 1_700_000_999, 0);
    tree.remove("link");
    let file = find(sandbox.path("archive"), "sigtar");
    let whole = fs::read(&file).unwrap();
    sandbox
        .sh("chmod u+w archive/*; cp -a archive first.archive && cp -a store first.store")
        .silent();
    let state = Snapshot::kept(tree.root());
    let moo = Moo::new(&sandbox, "--no-encryption --no-compression");
    let (made, wrong) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let result = runner(15, 5_000).run(&changes(), |changes| {
        restore(&file, &changed(&whole, &changes));
        let run = moo.backup("inc");
        prop_assert!(!run.err().contains("panicked"), "{}", run.err());
        prop_assert!(run.err().lines().count() <= 1, "{}", run.err());
        if run.status == 0 {
            made.set(made.get() + 1);
            let run = moo.restore("");
            prop_assert!([0, 5].contains(&run.status), "{}", run.err());
            if run.status == 0 {
                let back = Snapshot::kept(sandbox.path("out"));
                prop_assert!(back == state, "restores as something else");
                sandbox.remove("out");
            }
            wrong.set(wrong.get() + i32::from(run.status == 5));
        }
        let again = "rm -r archive store; cp -a first.archive archive && cp -a first.store store";
        sandbox.sh(again).silent();
        Ok(())
    });
    eprintln!(
        "{} increments made, {} that are refused when they are restored",
        made.get(),
        wrong.get()
    );
    result.unwrap();
}
