//! Parity, and what `moo repair` makes of a damaged store.

mod grid;
mod hostile;
mod interrupted;
mod kept;
mod life;
mod sources;

use std::fs;
use std::path::PathBuf;

use tests::damage::{find, find_all};
use tests::{Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

/// The repair of the folder `store`.
const REPAIR: &str = "moo repair --archive-dir . --name archive file://$PWD/store";

/// A store with parity, whose files are kept in the folder `whole` too.
struct Protected {
    sandbox: Sandbox,
    state: Snapshot,
    options: String,
}

impl Protected {
    /// A full set of a few volumes, with that share of parity.
    fn new(share: &str) -> Protected {
        Protected::with(share, "--no-encryption --no-compression")
    }

    fn with(share: &str, options: &str) -> Protected {
        Protected::of(Sandbox::new(), share, options)
    }

    fn of(sandbox: Sandbox, share: &str, options: &str) -> Protected {
        let tree = Tree::empty(sandbox.path("src"));
        tree.noise("large", 5_000_000);
        tree.noise("folder/small", 3_000);
        let options = format!("--volsize 1 --parity {share} {options}");
        let state = Snapshot::kept(tree.root());
        let protected = Protected { sandbox, state, options };
        protected.moo().backup("full").silent();
        protected.sandbox.sh("cp -r store whole").silent();
        protected
    }

    fn moo(&self) -> Moo<'_> {
        Moo::new(&self.sandbox, &self.options)
    }

    /// The one file of the store whose name holds that part.
    fn file(&self, part: &str) -> PathBuf {
        find(self.sandbox.path("store"), part)
    }

    /// All files of the store, by name.
    fn files(&self) -> Vec<PathBuf> {
        find_all(self.sandbox.path("store"), "")
    }

    fn repair(&self) -> Run {
        self.sandbox.sh(REPAIR)
    }

    /// Each file is what it was, and no other is there.
    #[track_caller]
    fn is_whole(&self) {
        self.sandbox.sh("diff -r whole store").silent();
    }

    /// The store comes back, without the archive directory too.
    #[track_caller]
    fn comes_back(&self) {
        self.moo().archive("lost").restore("").silent();
        assert_same(&self.state, &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }

    /// The store as it was made.
    fn reset(&self) {
        self.sandbox.sh("rm -rf store && cp -r whole store").silent();
    }
}

/// Flips all bits from there on.
fn burst(path: &PathBuf, at: usize, length: usize) {
    let mut content = fs::read(path).unwrap();
    let end = (at + length).min(content.len());
    content[at..end].iter_mut().for_each(|byte| *byte = !*byte);
    fs::write(path, content).unwrap();
}
