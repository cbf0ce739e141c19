//! A source of some MiB in volumes of one, and a backup of it that ends early.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tests::damage::find_all;
use tests::{Duplicity, Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::{Moo, stored};

/// Files by name, with what is known of them.
pub(super) type Volumes = BTreeMap<String, (u64, u64, i64)>;

/// A source, its store and its archive.
pub(super) struct Subject<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) tree: Tree,
    options: String,
    restore: String,
    /// The states of the sets so far.
    states: Vec<Snapshot>,
    turn: Cell<u32>,
}

impl<'a> Subject<'a> {
    /// With those options for `moo backup`, and no backup yet.
    pub(super) fn new(sandbox: &'a Sandbox, options: &str) -> Subject<'a> {
        let tree = Tree::empty(sandbox.path("src"));
        (0..5).for_each(|number| tree.noise(format!("a/{number}"), 150_000));
        tree.noise("large", 3_000_000);
        tree.folder("m");
        (0..5).for_each(|number| tree.noise(format!("z/{number}"), 300_000));
        tree.symlink("z/link", "0");
        let options = format!("--volsize 1 --no-compression {options}");
        let restore = String::new();
        Subject { sandbox, tree, options, restore, states: Vec::new(), turn: Cell::new(0) }
    }

    pub(super) fn moo(&self) -> Moo<'a> {
        Moo::new(self.sandbox, &self.options).restore_option(&self.restore)
    }

    /// With options for `moo restore`.
    pub(super) fn restored_with(mut self, words: &str) -> Subject<'a> {
        words.clone_into(&mut self.restore);
        self
    }

    /// Changes most of what there is, so that an increment has as many volumes as a full set.
    pub(super) fn news(&self) {
        self.turn.set(self.turn.get() + 1);
        let turn = u8::try_from(self.turn.get()).unwrap();
        for name in ["a/0", "a/1", "a/3", "large", "z/1", "z/4"] {
            self.rewrite(name, turn);
        }
    }

    /// Other bytes, and another mtime.
    pub(super) fn rewrite(&self, name: &str, key: u8) {
        self.tree.edit(name, |content| scramble(content, key));
        self.tree.mtime(name, 1_700_000_000 + i64::from(key), 5);
    }

    /// `moo backup` whose files are cut behind so many bytes on their way to the store.
    pub(super) fn cut(&self, kind: &str, bytes: usize) -> Run {
        self.shimmed("moo-upload", &format!("head -c {bytes} | \"$REAL\" \"$@\""), kind)
    }

    /// `moo backup` with a line of shell in place of one of its stages, which is in $REAL.
    pub(super) fn shimmed(&self, stage: &str, line: &str, kind: &str) -> Run {
        let folder = self.sandbox.path("shim");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(stage), format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(folder.join(stage), Permissions::from_mode(0o755)).unwrap();
        let run = self.sandbox.sh(&format!(
            "REAL=$(command -v {stage}) PATH=$PWD/shim:$PATH $commands/backup.sh {kind} \
                --archive-dir . --name archive {} src file://$PWD/store",
            self.options
        ));
        fs::remove_dir_all(&folder).unwrap();
        run
    }

    /// The volumes at the store that have no name yet, by the name that they are going to get: what
    /// is known by its inode and its bytes.
    pub(super) fn waiting(&self) -> Volumes {
        let all = find_all(self.sandbox.path("store"), ".difftar").into_iter();
        let hidden = all.filter(|file| name(file).starts_with(".upload-"));
        hidden.map(|file| (final_name(&file), facts(&file.metadata().unwrap()))).collect()
    }

    /// How many sets there should be.
    pub(super) fn sets(&self) -> usize {
        self.states.len()
    }

    /// The next run is a good one, all that was stored before it is part of its set and was not
    /// sent again, and every state is brought back.
    pub(super) fn goes_on(&mut self, kind: &str, before: &Volumes) {
        self.moo().backup(kind).silent();
        self.ends_well(before, before.len());
    }

    /// The same, but only so many of them are of use.
    pub(super) fn goes_on_with(&mut self, kind: &str, before: &Volumes, useful: usize) {
        self.moo().backup(kind).silent();
        self.ends_well(before, useful);
    }

    /// The set that is there now, has the source's state, and so many of those volumes.
    pub(super) fn ends_well(&mut self, before: &Volumes, useful: usize) {
        assert_eq!(self.kept(before), useful, "of {before:?}");
        self.states.push(Snapshot::kept(self.tree.root()));
        self.newest_is_there();
        assert!(find_all(self.sandbox.path("store"), ".upload-").is_empty());
        assert!(find_all(self.sandbox.path("archive"), ".part").is_empty());
        assert!(find_all(self.sandbox.path("archive"), ".moobacker.").is_empty());
    }

    /// How many of those volumes are part of a set now.
    pub(super) fn kept(&self, before: &Volumes) -> usize {
        let store = self.sandbox.path("store");
        let same =
            |name: &str, was| fs::metadata(store.join(name)).is_ok_and(|now| facts(&now) == was);
        before.iter().filter(|(name, was)| same(name, **was)).count()
    }

    fn newest_is_there(&self) {
        assert_eq!(stored(self.sandbox).len(), self.states.len());
        self.moo().brings_back("now", self.states.last().unwrap());
    }

    /// All states are brought back, and the newest also by both duplicities.
    pub(super) fn all_is_there(&self) {
        for (time, state) in stored(self.sandbox).iter().zip(&self.states) {
            self.moo().brings_back(time, state);
        }
        let state = self.states.last().unwrap().clone().as_stock();
        for peer in [Duplicity::old(self.sandbox), Duplicity::new(self.sandbox)] {
            peer.plain().archive("lost").restore("out").succeeds();
            assert_same(&state, &Snapshot::by_stock(self.sandbox.path("out")));
            self.sandbox.sh("rm -rf out lost").silent();
        }
    }
}

/// Makes all bytes other ones, which look like noise.
fn scramble(content: &mut [u8], key: u8) {
    let mut state = u64::from(key) * 0x9E37_79B9_7F4A_7C15 + 1;
    for byte in content {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte ^= (state >> 40) as u8 | 1;
    }
}

/// A file's inode, length and time: one that is sent again is another.
fn facts(facts: &Metadata) -> (u64, u64, i64) {
    (facts.ino(), facts.len(), facts.mtime_nsec())
}

fn name(file: &std::path::Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

fn final_name(file: &std::path::Path) -> String {
    name(file).splitn(3, '-').nth(2).unwrap().to_owned()
}
