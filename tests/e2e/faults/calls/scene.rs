//! A source, its store and its archive, which start again and again from the same state.

use std::path::PathBuf;

use tests::damage::find_all;
use tests::{Run, Sandbox, Snapshot, Tree};

use super::call::{Failing, Process, SERVER};
use super::traced::Traced;
use crate::faults::kills::point::Point;
use crate::moo::stored;

/// The options of `moo backup` and of `moo restore`: with keys, or as bare as can be, so that files
/// of the same content are the same.
const ENCRYPTED: [&str; 2] = [
    "--encrypt-key key.cert.pgp --seal-key host.secret.pgp",
    "--secret-key key.secret.pgp --seal-key host.cert.pgp",
];
const PLAIN: [&str; 2] = ["--no-encryption --no-compression --volsize 1", ""];
const ARCHIVE: &str = "--archive-dir . --name archive";

/// A source and what of it is stored at the start.
pub(in crate::faults) struct Scene<'a> {
    pub(in crate::faults) sandbox: &'a Sandbox,
    pub(in crate::faults) traced: Traced<'a>,
    tree: Tree,
    url: String,
    options: [&'a str; 2],
    more: &'a str,
    /// The state that is stored at the start, if any.
    pub(in crate::faults) old: Option<Snapshot>,
    /// The state of the source.
    pub(in crate::faults) new: Snapshot,
}

impl<'a> Scene<'a> {
    /// With nothing stored, and a store at that URL, in the folder `store`, with those options.
    pub(in crate::faults) fn empty(sandbox: &'a Sandbox, url: &str, more: &'a str) -> Scene<'a> {
        let make = "moo-keygen --no-passphrase key && moo-keygen --sign-only host";
        sandbox.sh(make).succeeds();
        Scene::of(sandbox, url, ENCRYPTED, more)
    }

    /// With nothing stored, and without keys; sets have some volumes.
    pub(in crate::faults) fn plain(sandbox: &'a Sandbox, url: &str, more: &'a str) -> Scene<'a> {
        let mut scene = Scene::of(sandbox, url, PLAIN, more);
        scene.tree.noise("folder/middle", 1_700_000);
        scene.tree.noise("z", 900_000);
        scene.new = Snapshot::kept(scene.tree.root());
        scene
    }

    fn of(sandbox: &'a Sandbox, url: &str, options: [&'a str; 2], more: &'a str) -> Scene<'a> {
        let tree = Tree::small(sandbox.path("src"));
        sandbox.sh("mkdir before").silent();
        let (traced, new) = (Traced::new(sandbox), Snapshot::kept(tree.root()));
        traced.calm(&[SERVER]);
        Scene { sandbox, traced, tree, url: url.to_owned(), options, more, old: None, new }
    }

    /// With a full set of a tree that has changed since.
    pub(in crate::faults) fn changed(sandbox: &'a Sandbox, url: &str, more: &'a str) -> Scene<'a> {
        Scene::empty(sandbox, url, more).with_a_set()
    }

    /// With a full set, since which the tree has changed.
    pub(in crate::faults) fn with_a_set(mut self) -> Scene<'a> {
        self.backup().silent();
        self.old = Some(self.new);
        let tree = &self.tree;
        tree.edit("folder/large", |content| content.rotate_left(54_321));
        tree.mtime("folder/large", 1_700_000_001, 5);
        tree.remove("a file");
        tree.noise("folder/new", 5000);
        if self.options == PLAIN {
            tree.noise("folder/newer", 1_300_000);
            tree.edit("z", |content| content.reverse());
            tree.mtime("z", 1_700_000_001, 5);
        }
        self.new = Snapshot::kept(tree.root());
        self.starts_here();
        self
    }

    /// What is there now is the start from now on.
    pub(in crate::faults) fn starts_here(&self) {
        let keep = "rm -rf before && mkdir before && cp -a store archive before";
        self.sandbox.sh(keep).silent();
    }

    /// `moo backup`, with what is traced; `moo` itself would look for programs in the checkout
    /// first.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(in crate::faults) fn backup(&self) -> Run {
        let Scene { url, options: [options, _], more, .. } = self;
        self.traced.sh(&format!("exec $commands/backup.sh {ARCHIVE} {options} {more} src {url}"))
    }

    /// `moo restore` to `out`, with what is traced.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(in crate::faults) fn restore(&self) -> Run {
        let Scene { url, options: [_, options], more, .. } = self;
        self.traced.sh(&format!("exec $commands/restore.sh {ARCHIVE} {options} {more} {url} out"))
    }

    /// A run in which that call fails, and the calls that have failed.
    pub(in crate::faults) fn failing(
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

    /// A run in which that kill happens, if it comes to that, and whether it has.
    pub(in crate::faults) fn killed(
        &self,
        point: &Point,
        run: impl FnOnce(&Self) -> Run,
    ) -> (Run, bool) {
        self.traced.kill(point);
        let run = run(self);
        let killed = self.traced.has_killed();
        self.traced.calm(&[point.process]);
        eprintln!("{point}: {killed}\n    {} {}", run.status, run.err());
        (run, killed)
    }

    /// All calls of those processes in a backup, which comes to nothing.
    pub(in crate::faults) fn calls_of_backup(&self, processes: &[Process]) -> Vec<Failing> {
        let calls = self.traced.census(processes, || {
            self.backup().silent();
        });
        self.rewind();
        calls
    }

    /// Back to the start.
    pub(in crate::faults) fn rewind(&self) {
        self.sandbox.sh("rm -rf store archive out && cp -a before/. .").silent();
    }

    /// The number of sets that are stored now and were not at the start.
    pub(in crate::faults) fn new_sets(&self) -> usize {
        let store = self.sandbox.path("store");
        let now = if store.exists() { stored(self.sandbox).len() } else { 0 };
        now - usize::from(self.old.is_some())
    }

    /// Whether a set has a seal or all volumes under their names, and its manifest under a
    /// temporary one: all of it has arrived.
    pub(in crate::faults) fn is_naming(&self) -> bool {
        let all = |part| find_all(self.sandbox.path("store"), part);
        let hidden =
            |part| all(part).iter().any(|file| file.to_string_lossy().contains("/.upload-"));
        self.new_sets() == 0 && hidden(".manifest") && !hidden(".vol")
    }

    /// What is in `out`, which goes.
    pub(in crate::faults) fn restored(&self) -> Snapshot {
        let restored = Snapshot::kept(self.sandbox.path("out"));
        self.sandbox.remove("out");
        restored
    }

    /// The temporary files that are left anywhere.
    pub(in crate::faults) fn left(&self) -> Vec<PathBuf> {
        let places = [("store", ".upload-"), ("archive", ".part"), ("", ".out."), (".tmp", "")];
        let found = places.iter().map(|(place, name)| (self.sandbox.path(place), name));
        let found = found.filter(|(place, _)| place.exists());
        found.flat_map(|(place, name)| find_all(place, name)).collect()
    }
}
