//! A store with two chains, and what is asked of a copy of it.

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tests::damage::find_all;
use tests::{Duplicity, Key, Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::{Moo, stored};

/// A store in the folder `store`, and all states that are in it.
pub(super) struct Barn {
    pub(super) sandbox: Sandbox,
    pub(super) tree: Tree,
    options: String,
    /// Whether duplicity has made it, which keeps less.
    foreign: bool,
    states: RefCell<Vec<Snapshot>>,
}

impl Barn {
    /// With no set yet, and those options for `moo backup`.
    pub(super) fn empty(sandbox: Sandbox, options: &str) -> Barn {
        let tree = Tree::small(sandbox.path("src"));
        let options = format!("--volsize 1 {options}");
        Barn { sandbox, tree, options, foreign: false, states: RefCell::default() }
    }

    /// With a full set and an increment.
    pub(super) fn chain(sandbox: Sandbox, options: &str) -> Barn {
        let barn = Barn::empty(sandbox, options);
        barn.tree.noise("two volumes", 1_500_000);
        barn.backup("full");
        barn.backup("inc");
        barn
    }

    /// The same, and one more full set.
    pub(super) fn new(sandbox: Sandbox, options: &str) -> Barn {
        let barn = Barn::chain(sandbox, options);
        barn.backup("full");
        barn
    }

    /// With sets that duplicity has made.
    pub(super) fn of_duplicity(sandbox: Sandbox, options: &str) -> Barn {
        let mut barn = Barn::empty(sandbox, "");
        barn.foreign = true;
        barn.tree.noise("two volumes", 1_500_000);
        for full in [true, false] {
            barn.change();
            let peer = Duplicity::new(&barn.sandbox).archive("foreign");
            let peer = peer.option(&format!("--volsize 1 {options}"));
            let run = if full { peer.full("src") } else { peer.increment("src") };
            run.succeeds();
            barn.states.borrow_mut().push(barn.look(barn.tree.root()));
        }
        barn.sandbox.sh("rm -r foreign").silent();
        barn
    }

    fn change(&self) {
        let turn = self.states.borrow().len();
        self.tree.file("turn", format!("{turn}").as_bytes());
        self.tree.mtime("turn", 1_700_000_000 + i64::try_from(turn).unwrap(), 5);
    }

    /// One more set.
    pub(super) fn backup(&self, kind: &str) {
        self.change();
        self.moo().backup(kind).silent();
        self.states.borrow_mut().push(self.look(self.tree.root()));
    }

    fn look(&self, folder: &Path) -> Snapshot {
        if self.foreign { Snapshot::by_stock(folder) } else { Snapshot::kept(folder) }
    }

    pub(super) fn moo(&self) -> Moo<'_> {
        Moo::new(&self.sandbox, &self.options)
    }

    /// `moo COMMAND` from the folder `store` to the folder `copy`.
    pub(super) fn copy(&self, command: &str) -> Run {
        self.copy_to(command, &self.sandbox.url("copy"))
    }

    /// The same to another URL.
    pub(super) fn copy_to(&self, command: &str, url: &str) -> Run {
        self.sandbox.sh(&self.script(command, url))
    }

    /// The snippet for that.
    pub(super) fn script(&self, command: &str, url: &str) -> String {
        let common = "--archive-dir . --name archive";
        format!("moo {command} {common} file://$PWD/store {url}")
    }

    /// The same, with a line of shell in place of one of the stages, which is in $REAL.
    pub(super) fn shimmed(&self, stage: &str, line: &str, command: &str, url: &str) -> Run {
        let folder = self.sandbox.path("shim");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(stage), format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(folder.join(stage), Permissions::from_mode(0o755)).unwrap();
        let (name, words) = command.split_once(' ').unwrap_or((command, ""));
        let script = format!("$commands/{name}.sh {words}");
        let script = self.script(&script, url).replacen("moo ", "", 1);
        let shims = format!("REAL=$(command -v {stage}) PATH=$PWD/shim:$PATH");
        let run = self.sandbox.sh(&format!("{shims} {script}"));
        fs::remove_dir_all(&folder).unwrap();
        run
    }

    /// A folder is a store with all states, of which both duplicities restore the newest; our
    /// restore has these options.
    pub(super) fn is_all_in(&self, folder: &str, ours: &str) {
        self.is_in(folder, ours);
        let state = self.states.borrow().last().unwrap().clone().as_stock();
        for peer in [Duplicity::old(&self.sandbox), Duplicity::new(&self.sandbox)] {
            let peer = peer.store(folder).archive("lost");
            peer.restore("out").succeeds();
            assert_same(&state, &Snapshot::by_stock(self.sandbox.path("out")));
            self.sandbox.sh("rm -rf out lost").silent();
        }
    }

    /// The same for us alone.
    pub(super) fn is_in(&self, folder: &str, ours: &str) {
        let times = tests::peers::times(self.sandbox.path(folder));
        assert_eq!(times, stored(&self.sandbox));
        assert_eq!(times.len(), self.states.borrow().len());
        for (time, state) in times.iter().zip(self.states.borrow().iter()) {
            let url = self.sandbox.url(folder);
            let restore = format!("moo restore --archive-dir . --name lost {ours} --time {time}");
            self.sandbox.sh(&format!("{restore} {url} out")).silent();
            assert_same(state, &self.look(&self.sandbox.path("out")));
            self.sandbox.remove("out");
        }
        assert!(find_all(self.sandbox.path(folder), ".upload-").is_empty(), "nothing is left");
    }

    /// The files of a folder: their names, inodes and sizes.
    pub(super) fn files(&self, folder: &str) -> Vec<(String, u64, u64)> {
        let files = find_all(self.sandbox.path(folder), "").into_iter().map(|path| {
            let facts = path.metadata().unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), facts.ino(), facts.size())
        });
        files.collect()
    }

    /// The names of the files of the set with that number that lie in a folder.
    pub(super) fn named(&self, folder: &str, set: usize) -> Vec<String> {
        let time = &stored(&self.sandbox)[set];
        let of_set = |name: &String| {
            let own = if name.contains(".to.") { ".to." } else { "." };
            name.contains(&format!("{own}{time}.")) && !name.starts_with(".upload-")
        };
        self.files(folder).into_iter().map(|(name, ..)| name).filter(of_set).collect()
    }
}

/// A sandbox with the keys `Old` and `New`, and the keys `old` and `new` to sign seals with.
pub(super) fn with_keys() -> (Sandbox, Key, Key) {
    let sandbox = Sandbox::new();
    let old = Key::open(&sandbox, "Old <old@example.org>");
    let new = Key::open(&sandbox, "New <new@example.org>");
    sandbox.sh("for k in old new; do moo-keygen --sign-only $k >/dev/null || exit; done").silent();
    (sandbox, old, new)
}
