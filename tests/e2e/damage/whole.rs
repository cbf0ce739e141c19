//! What `--keep-going` has to bring back, told by what the volumes hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tests::damage::find_all;
use tests::{Key, Sandbox, Snapshot, Tree};

use crate::moo::{Moo, stored};

/// A store of a full set and two increments, in several volumes, and its newest state.
pub(crate) struct Chain {
    pub(crate) sandbox: Sandbox,
    pub(crate) state: Snapshot,
    /// The entries of each volume: `snapshot/a`, `diff/b`, and so on; by its name.
    volumes: BTreeMap<String, BTreeSet<(String, String)>>,
}

impl Chain {
    /// Written by us or by the old duplicity.
    pub(crate) fn new(by: &str) -> Chain {
        let sandbox = Sandbox::new();
        let key = Key::open(&sandbox, "Moo <moo@example.org>");
        key.export_secret(&sandbox, "secret.pgp", "");
        let tree = Tree::empty(sandbox.path("src"));
        first(&tree);
        let write = |kind: &str| {
            if by == "duplicity" {
                let old = tests::Duplicity::old(&sandbox).encrypt_to(&key).option("--volsize 1");
                let run = if kind == "full" { old.full("src") } else { old.increment("src") };
                drop(run.succeeds());
            } else {
                Moo::encrypted(&sandbox, &key).option("--volsize 1").backup(kind).silent();
            }
        };
        write("full");
        second(&tree);
        write("inc");
        third(&tree);
        write("inc");
        let state = Snapshot::kept(tree.root());
        let state = if by == "duplicity" { state.as_stock() } else { state };
        let volumes = volumes(&sandbox);
        Chain { sandbox, state, volumes }
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        let paths = find_all(self.sandbox.path("store"), "");
        paths.iter().map(|path| name(path)).collect()
    }

    /// The files that can't come back without those volumes.
    pub(crate) fn lost_with(&self, missing: &[String]) -> BTreeSet<String> {
        let mut lost = BTreeSet::new();
        for time in stored(&self.sandbox) {
            let of_set = |name: &&String| name.contains(&format!("{time}.vol"));
            let of_set = self.volumes.keys().filter(of_set);
            let (gone, there): (Vec<_>, Vec<_>) = of_set.partition(|name| missing.contains(name));
            for (part, path) in there.into_iter().flat_map(|name| &self.volumes[name]) {
                if part != "diff" {
                    lost.remove(path);
                }
            }
            for (part, path) in gone.into_iter().flat_map(|name| &self.volumes[name]) {
                if part == "deleted" {
                    lost.remove(path)
                } else {
                    lost.insert(path.clone())
                };
            }
        }
        lost.retain(|path| {
            fs::symlink_metadata(self.sandbox.path("src").join(path)).is_ok_and(|f| f.is_file())
        });
        lost
    }

    /// The volumes of the set that a file belongs to.
    pub(crate) fn volumes_beside(&self, name: &str) -> Vec<String> {
        let time = crate::damage::set_of(name);
        self.volumes.keys().filter(|name| name.contains(&format!("{time}.vol"))).cloned().collect()
    }
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn first(tree: &Tree) {
    tree.noise("a/crosses volumes", 1_500_000);
    tree.noise("a/edited twice", 200_000);
    tree.noise("a/replaced", 300);
    tree.noise("b/gone", 3000);
    tree.noise("b/stays", 3000);
    tree.symlink("b/link", "stays");
    tree.folder("empty");
    tree.mode("empty", 0o711);
    tree.noise("late/crosses volumes", 900_000);
    tree.noise("late/last", 100);
}

fn second(tree: &Tree) {
    edit(tree, "a/edited twice", 1);
    tree.remove("a/replaced");
    tree.noise("a/replaced/is a folder/now", 70_000);
    tree.remove("b/gone");
    tree.noise("b/new", 10);
}

fn third(tree: &Tree) {
    edit(tree, "a/edited twice", 2);
    edit(tree, "b/new", 2);
    tree.remove("late/last");
    tree.symlink("late/last", "is a link");
    tree.noise("z", 1000);
}

fn edit(tree: &Tree, name: &str, day: i64) {
    tree.edit(name, |content| content[5] ^= 0xff);
    tree.mtime(name, 1_700_000_000 + day * 1000, 0);
}

/// The entries of all volumes: the part and the path of each.
fn volumes(sandbox: &Sandbox) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut volumes = BTreeMap::new();
    for path in find_all(sandbox.path("store"), "vol") {
        let list = sandbox.sh(&format!("gpg -q -d '{}' | tar t", path.display())).succeeds().out();
        volumes.insert(name(&path), list.lines().filter_map(entry).collect());
    }
    volumes
}

fn entry(line: &str) -> Option<(String, String)> {
    let (part, path) = line.split_once('/')?;
    let path = path.trim_end_matches('/');
    let (part, path) = match part.strip_prefix("multivol_") {
        Some(part) => (part, path.rsplit_once('/')?.0),
        None => (part, path),
    };
    Some((part.to_owned(), path.to_owned()))
}
