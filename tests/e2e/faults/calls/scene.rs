//! A source, its store and its archive, which start again and again from the same state.

use std::path::PathBuf;

use tests::damage::find_all;
use tests::{Run, Sandbox, Snapshot, Tree};

use super::call::{Failing, Process, SERVER};
use super::traced::Traced;
use crate::moo::stored;

/// The options of `moo backup` and of `moo restore`.
const BACKUP_OPTIONS: &str = "--encrypt-key key.cert.pgp --seal-key host.secret.pgp";
const RESTORE_OPTIONS: &str = "--secret-key key.secret.pgp --seal-key host.cert.pgp";
const ARCHIVE: &str = "--archive-dir . --name archive";

/// A source and what of it is stored at the start.
pub(super) struct Scene<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) traced: Traced<'a>,
    tree: Tree,
    url: String,
    more: &'a str,
    /// The state that is stored at the start, if any.
    pub(super) old: Option<Snapshot>,
    /// The state of the source.
    pub(super) new: Snapshot,
}

impl<'a> Scene<'a> {
    /// With nothing stored, and a store at that URL, in the folder `store`, with those options.
    pub(super) fn empty(sandbox: &'a Sandbox, url: &str, more: &'a str) -> Scene<'a> {
        let make = "moo-keygen --no-passphrase key && moo-keygen --sign-only host";
        sandbox.sh(&format!("{make} && mkdir before")).succeeds();
        let tree = Tree::small(sandbox.path("src"));
        let (traced, new) = (Traced::new(sandbox), Snapshot::kept(tree.root()));
        traced.calm(&[SERVER]);
        Scene { sandbox, traced, tree, url: url.to_owned(), more, old: None, new }
    }

    /// With a full set of a tree that has changed since.
    pub(super) fn changed(sandbox: &'a Sandbox, url: &str, more: &'a str) -> Scene<'a> {
        let mut scene = Scene::empty(sandbox, url, more);
        scene.backup().silent();
        scene.old = Some(scene.new);
        let tree = &scene.tree;
        tree.edit("folder/large", |content| content.rotate_left(54_321));
        tree.mtime("folder/large", 1_700_000_001, 5);
        tree.remove("a file");
        tree.noise("folder/new", 5000);
        scene.new = Snapshot::kept(tree.root());
        sandbox.sh("cp -a store archive before").silent();
        scene
    }

    /// `moo backup`, with what is traced; `moo` itself would look for programs in the checkout
    /// first.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(super) fn backup(&self) -> Run {
        let Scene { url, more, .. } = self;
        self.traced.sh(&format!("moo-backup {ARCHIVE} {BACKUP_OPTIONS} {more} src {url}"))
    }

    /// `moo restore` to `out`, with what is traced.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(super) fn restore(&self) -> Run {
        let Scene { url, more, .. } = self;
        self.traced.sh(&format!("moo-restore {ARCHIVE} {RESTORE_OPTIONS} {more} {url} out"))
    }

    /// A run in which that call fails, and the calls that have failed.
    pub(super) fn failing(
        &self,
        failing: &Failing,
        run: impl FnOnce(&Self) -> Run,
    ) -> (Run, Vec<String>) {
        self.traced.fail(failing);
        let run = run(self);
        let failed = self.traced.failed();
        self.traced.calm(&[failing.process]);
        eprintln!("{failing}: {failed:?}\n    {} {}", run.status, run.err());
        (run, failed)
    }

    /// All calls of those processes in a backup, which comes to nothing.
    pub(super) fn calls_of_backup(&self, processes: &[Process]) -> Vec<Failing> {
        let calls = self.traced.census(processes, || {
            self.backup().silent();
        });
        self.rewind();
        calls
    }

    /// Back to the start.
    pub(super) fn rewind(&self) {
        self.sandbox.sh("rm -rf store archive out && cp -a before/. .").silent();
    }

    /// The number of sets that are stored now and were not at the start.
    pub(super) fn new_sets(&self) -> usize {
        let store = self.sandbox.path("store");
        let now = if store.exists() { stored(self.sandbox).len() } else { 0 };
        now - usize::from(self.old.is_some())
    }

    /// What is in `out`, which goes.
    pub(super) fn restored(&self) -> Snapshot {
        let restored = Snapshot::kept(self.sandbox.path("out"));
        self.sandbox.remove("out");
        restored
    }

    /// The temporary files that are left anywhere.
    pub(super) fn left(&self) -> Vec<PathBuf> {
        let places = [("store", ".upload-"), ("archive", ".part"), ("", ".out."), (".tmp", "")];
        let found = places.iter().map(|(place, name)| (self.sandbox.path(place), name));
        let found = found.filter(|(place, _)| place.exists());
        found.flat_map(|(place, name)| find_all(place, name)).collect()
    }
}
